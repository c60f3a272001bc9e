//! Loads the current state of a batch's calls: a transcript may have 16 MiB, and many of those must not be in memory at
//! once.

use tokio::sync::OwnedMutexGuard;

use super::{
    deliverer::{Deliverer, Due},
    dispatch::Deliver,
};
use crate::{
    domain::{Sink, transcript::Reports},
    store::Delivery,
};

/// Bytes of stored calls that a sink keeps in memory at once, or those of one call. Most calls have a few kilobytes.
const LARGE: usize = 2 << 20;

impl<D: Deliverer> Deliver<D> {
    /// The deliveries with their calls, up to the first large one: the rest of the batch stays due. While the guard is
    /// held, this sink loads no other call.
    pub(super) async fn load(
        &self,
        batch: Vec<Delivery>,
    ) -> anyhow::Result<(Vec<Due>, Option<OwnedMutexGuard<()>>)> {
        let loading = self.loading.clone().lock_owned().await;
        let (mut due, mut bytes) = (Vec::new(), 0);
        for delivery in batch {
            if bytes > LARGE {
                break;
            }
            let Some(mut row) = self.store.call(&delivery.key.call_id).await? else {
                continue;
            };
            // The call's own revision: the current state is sent.
            let revision = match delivery.key.sink {
                Sink::Mirror => delivery.revision,
                _ => row.revision,
            };
            match delivery.key.sink {
                Sink::Airtable | Sink::Mirror => bytes += row.bytes,
                // These sinks do not need agents' reports.
                Sink::Egress | Sink::Storage => row.call.reports = Reports::default(),
            }
            due.push(Due {
                delivery: Delivery {
                    revision,
                    ..delivery
                },
                call: row.call,
            });
        }
        Ok((due, (bytes > LARGE).then_some(loading)))
    }
}
