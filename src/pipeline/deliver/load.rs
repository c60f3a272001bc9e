//! Loads the current state of a batch's calls: a transcript may have 16 MiB, and many of those must not be in memory at
//! once.

use tokio::sync::OwnedMutexGuard;

use super::{
    deliverer::{Deliverer, Due},
    dispatch::Deliver,
};
use crate::{
    domain::{Sink, transcript::Reports},
    store::{Delivery, InMemory},
};

/// Bytes of stored calls that a sink keeps in memory at once, or those of one call. Most calls have a few kilobytes.
const LARGE: usize = 2 << 20;

/// Held while a large call is in memory.
pub(super) struct LargeCall {
    _loading: OwnedMutexGuard<()>,
    _reports: Option<InMemory>,
}

impl<D: Deliverer> Deliver<D> {
    /// The deliveries with their calls, up to the first large one: the rest of the batch stays due. While the guard is
    /// held, this sink loads no other call.
    pub(super) async fn load(
        &self,
        batch: Vec<Delivery>,
    ) -> anyhow::Result<(Vec<Due>, Option<LargeCall>)> {
        let loading = self.loading.clone().lock_owned().await;
        let (mut due, mut bytes, mut large) = (Vec::new(), 0, None);
        for delivery in batch {
            if bytes > LARGE || large.is_some() {
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
                Sink::Airtable | Sink::Mirror => {
                    let loaded = self.store.load_reports(&mut row.call).await?;
                    bytes += row.bytes + loaded.bytes();
                    large = Some(loaded).filter(InMemory::is_large);
                }
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
        let is_large = bytes > LARGE || large.is_some();
        Ok((
            due,
            is_large.then_some(LargeCall {
                _loading: loading,
                _reports: large,
            }),
        ))
    }
}
