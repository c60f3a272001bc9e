//! What a sink is.

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::outcome::Attempt;
use crate::{
    domain::{Call, Sink},
    store::Delivery,
};

/// A due delivery with its call as it is now.
#[derive(Debug, Clone)]
pub struct Due {
    pub delivery: Delivery,
    pub call: Call,
}

/// What a sink with turns says when its next one may be used.
pub struct Slot {
    pub policy: BatchPolicy,
    pub permit: BatchPermit,
}

/// What is worth a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchPolicy {
    #[default]
    Everything,
    /// Calls that have come to their end, and only when they fill a request or one is owed `since` then or longer.
    FinalOnly { since: Timestamp },
}

/// Held by the one batch that goes next; let go when it asks for its turn, so that the batch after it is chosen then
/// and not before. `None` where there are no turns.
pub type BatchPermit = Option<OwnedSemaphorePermit>;

/// A sink: a place that calls are delivered to.
pub trait Deliverer: Send + Sync + 'static {
    /// Which one it is.
    fn sink(&self) -> Sink;
    /// Calls of one delivery.
    fn batch(&self) -> usize {
        1
    }
    /// Deliveries side by side.
    fn parallel(&self) -> usize;
    /// Waits for the sink's turn; what is sent is chosen then. `None`: it has no turns.
    fn ready(&self, _now: Timestamp) -> impl Future<Output = anyhow::Result<Option<Slot>>> + Send {
        async { Ok(None) }
    }
    /// Sends; one attempt for each due, in the same order.
    fn deliver(
        &self,
        due: &[Due],
        permit: BatchPermit,
        now: Timestamp,
    ) -> impl Future<Output = Vec<Attempt>> + Send;
}
