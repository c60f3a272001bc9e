//! Large bodies are in memory one at a time, whoever reads them.

use tokio::sync::OwnedSemaphorePermit;

use super::open::Store;

/// Bytes that are large.
const LARGE: u64 = 1 << 20;

/// Held while bodies are in memory.
#[must_use]
#[derive(Debug)]
pub struct InMemory {
    bytes: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl InMemory {
    /// How many they are together.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Whether they are large, so that nobody else may load large ones: the holder neither.
    pub fn is_large(&self) -> bool {
        self.permit.is_some()
    }
}

impl Store {
    /// Waits until bodies of so many bytes may be loaded.
    pub(super) async fn in_memory(&self, bytes: u64) -> InMemory {
        let permit = match bytes > LARGE {
            true => self.large.clone().acquire_owned().await.ok(),
            false => None,
        };
        InMemory { bytes, permit }
    }
}
