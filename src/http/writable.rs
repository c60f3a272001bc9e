//! Whether the store is writable, checked at most once a second.

use std::{
    sync::{Mutex as SyncMutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use crate::store::Store;

/// How long a check counts: anybody may ask, and each check is a write.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// When a check ended, and whether the store was writable, or why not.
type Checked = (Instant, Result<(), String>);

/// Whether the store is writable; shared by all who ask.
#[derive(Default)]
pub struct Writable {
    last: SyncMutex<Option<Checked>>,
    /// Held by the one who checks.
    checking: Mutex<()>,
}

impl Writable {
    /// The result of the last check if it is fresh, else of a new one. Requests that come during a check get the result
    /// before it: if they waited, as many as there are connections would leave none for webhooks. Only those that come
    /// during the first check wait for it.
    pub(super) async fn check(&self, store: &Store, now: Timestamp) -> Result<(), String> {
        let before = self.last().clone();
        let turn = match (self.checking.try_lock(), before) {
            (Ok(turn), _) => turn,
            (Err(_), Some((_, known))) => return known,
            (Err(_), None) => self.checking.lock().await,
        };
        let fresh = self.last().clone();
        if let Some((_, known)) = fresh.filter(|(at, _)| at.elapsed() < FRESH_FOR) {
            return known;
        }
        let checked = store.check(now).await.map_err(|error| error.reason());
        *self.last() = Some((Instant::now(), checked.clone()));
        drop(turn);
        checked
    }

    fn last(&self) -> MutexGuard<'_, Option<Checked>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
