//! The trait that every sink implements.

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

/// The answer of a sink with permits when its next one may be used.
pub struct Slot {
    pub policy: BatchPolicy,
    pub permit: BatchPermit,
}

/// Which deliveries justify a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchPolicy {
    #[default]
    Everything,
    /// Only calls in their final state, and only if they fill a request or one has been due since `since` or longer.
    FinalOnly { since: Timestamp },
}

/// Held by the batch that is sent next; released when it asks for its permit, so that the following batch is chosen
/// then and not earlier. `None` for sinks without permits.
pub type BatchPermit = Option<OwnedSemaphorePermit>;

/// A sink: a place that calls are delivered to.
pub trait Deliverer: Send + Sync + 'static {
    /// Which one it is.
    fn sink(&self) -> Sink;
    /// Calls per request.
    fn batch(&self) -> usize {
        1
    }
    /// Deliveries in parallel.
    fn parallel(&self) -> usize;
    /// Whether intake goes first while many messages wait for it.
    fn gives_way(&self) -> bool {
        false
    }
    /// Waits for the sink's permit; the deliveries to send are chosen afterwards. `None`: the sink has no permits.
    fn ready(&self, _now: Timestamp) -> impl Future<Output = anyhow::Result<Option<Slot>>> + Send {
        async { Ok(None) }
    }
    /// Whether the other side answers this process: asked now and then while it did not.
    fn answers(&self) -> impl Future<Output = bool> + Send {
        async { true }
    }
    /// Sends; returns one attempt per delivery, in the same order.
    fn deliver(
        &self,
        due: &[Due],
        permit: BatchPermit,
        now: Timestamp,
    ) -> impl Future<Output = Vec<Attempt>> + Send;
}
