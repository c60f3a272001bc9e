//! Large bodies are in memory one at a time, whoever reads them.

use tokio::sync::OwnedSemaphorePermit;

use super::{
    large_bodies::{LARGE, beside_others},
    open::Store,
};

/// Held while bodies are in memory.
#[must_use]
#[derive(Debug)]
pub struct InMemory {
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl InMemory {
    /// How many they are together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether they are large, so that nobody else may load large ones: the holder neither.
    pub fn is_large(&self) -> bool {
        self.permit.is_some()
    }

    /// Makes something of them. If they are large, other tasks go on meanwhile.
    pub fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        beside_others(self.bytes, work)
    }
}

impl Store {
    /// Waits until bodies of so many bytes may be loaded.
    pub(super) async fn in_memory(&self, bytes: u64) -> InMemory {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let permit = match bytes > LARGE {
            true => self.large.clone().acquire_owned().await.ok(),
            false => None,
        };
        InMemory { bytes, permit }
    }
}
