//! Work on a large body takes seconds and many times its memory: it is done for one at a time, beside other tasks.

use std::sync::Arc;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};

/// Bytes above which a body is large: that of a report, or what is stored of it.
pub const LARGE: usize = 1 << 20;

/// Which bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// Those that are worked on one at a time.
    Large,
    /// All others, many at once.
    Others,
}

impl Sizes {
    /// The condition for an inbox message `i`.
    pub(super) fn condition(self) -> String {
        let comparison = match self {
            Sizes::Large => ">",
            Sizes::Others => "<=",
        };
        format!("OCTET_LENGTH(i.body) {comparison} {LARGE}")
    }
}

/// Whose turn it is to parse a large body. Requests, intake and those who load reports share it.
#[derive(Debug, Clone)]
pub struct LargeBodies(Arc<Semaphore>);

/// The turn to work on some bodies; with a large one among them, nobody else has such a turn.
#[must_use]
#[derive(Debug)]
pub struct Turn {
    bytes: usize,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Default for LargeBodies {
    fn default() -> LargeBodies {
        LargeBodies(Arc::new(Semaphore::new(1)))
    }
}

impl LargeBodies {
    /// Waits for the turn to work on bodies of these sizes (bytes). Those that are not large wait for nobody.
    pub async fn turn(&self, sizes: &[usize]) -> Turn {
        let is_large = sizes.iter().any(|size| *size > LARGE);
        Turn {
            bytes: sizes.iter().sum(),
            _permit: match is_large {
                true => self.0.clone().acquire_owned().await.ok(),
                false => None,
            },
        }
    }
}

impl Turn {
    /// Does the work on the bodies.
    pub fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        beside_others(self.bytes, work)
    }
}

/// Bytes from which on work on them takes longer than other tasks of its thread may wait: parsing takes milliseconds, and many such
/// bodies may follow each other.
const SLOW: usize = 64 << 10;

/// Works on so many bytes. If they are many, other tasks of this thread go on meanwhile.
pub fn beside_others<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) if bytes > SLOW => task::block_in_place(work),
        _ => work(),
    }
}
