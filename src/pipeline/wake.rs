//! Signals that wake jobs before their time. A wake carries no data: it only makes a step come sooner.

use tokio::sync::Notify;

use crate::domain::Sink;

/// One notification for each job that others can wake.
#[derive(Default)]
pub struct Wake {
    /// Something was put into the inbox.
    pub intake: Notify,
    /// LiveKit should be asked now, not at the next RECONCILE_INTERVAL.
    pub reconcile: Notify,
    egress: Notify,
    storage: Notify,
    airtable: Notify,
    mirror: Notify,
    /// Calls have changed; `notify_waiters` wakes every request that waits for one.
    pub folded: Notify,
}

impl Wake {
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
