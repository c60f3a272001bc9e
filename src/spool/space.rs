//! How much may be in the spool, and how much is.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::error::Error;

/// Where the spool is, and how much it takes.
#[derive(Clone)]
pub struct Config {
    /// The folder; it is created.
    pub folder: PathBuf,
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// All files together, in bytes.
    pub total_bytes: u64,
    /// The bytes that are free on the disk of a folder beside those that are reserved; `None`: the system does not say.
    pub free: fn(&Path) -> Option<u64>,
}

/// The room in the spool; clones share it.
#[derive(Clone)]
pub(super) struct Space {
    pub(super) config: Arc<Config>,
    /// Bytes of all files, those that arrive included.
    pub(super) used: Arc<AtomicU64>,
}

impl Space {
    /// Nothing is in the folder yet.
    pub(super) fn new(config: Config) -> Space {
        Space {
            config: Arc::new(config),
            used: Arc::default(),
        }
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// Whether nothing more fits in, on the spool's part or the disk's.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() >= self.config.total_bytes || self.disk_is_full()
    }

    /// Whether only the reserve of the disk is left.
    pub(super) fn disk_is_full(&self) -> bool {
        (self.config.free)(&self.config.folder).is_some_and(|free| free == 0)
    }

    /// Counts bytes that are to be written.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), Error> {
        let limit = self.config.total_bytes;
        let more = |used: u64| used.checked_add(bytes).filter(|all| *all <= limit);
        let reserved = self.used.fetch_update(Relaxed, Relaxed, more);
        reserved.map(|_| ()).map_err(|_| Error::Full)
    }

    /// Counts bytes as deleted.
    pub(super) fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}
