//! Signals that wake jobs before their time. A wake carries no data: it only makes a step come sooner.

use tokio::sync::Notify;

use super::{awaited::Awaited, backlog::Backlog};
use crate::{domain::Sink, store::LARGE};

/// One notification for each job that others can wake.
#[derive(Default)]
pub struct Wake {
    /// Something was put into the inbox.
    pub intake: Notify,
    /// It has a large body.
    pub(super) intake_large: Notify,
    /// LiveKit should be asked now, not at the next RECONCILE_INTERVAL.
    pub reconcile: Notify,
    egress: Notify,
    storage: Notify,
    airtable: Notify,
    mirror: Notify,
    /// Calls have changed; `notify_waiters` wakes every request that waits for one.
    pub folded: Notify,
    /// The messages that requests wait for.
    pub awaited: Awaited,
    /// Whether intake has so much to do that others give way.
    pub(super) backlog: Backlog,
}

impl Wake {
    /// Wakes the job that folds a message that was put into the inbox; its body has so many bytes.
    pub fn stored(&self, bytes: usize) {
        match bytes > LARGE {
            true => self.intake_large.notify_one(),
            false => self.intake.notify_one(),
        }
    }

    /// Wakes the job that delivers to this sink.
    pub fn sink(&self, sink: Sink) -> &Notify {
        match sink {
            Sink::Egress => &self.egress,
            Sink::Storage => &self.storage,
            Sink::Airtable => &self.airtable,
            Sink::Mirror => &self.mirror,
        }
    }
}
