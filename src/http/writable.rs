//! Whether the store is writable, checked at most once a second.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use crate::store::Store;

/// How long a check counts: anybody may ask, and each check is a write.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Whether the store is writable, or why not; shared by all who ask.
#[derive(Default)]
pub struct Writable(Mutex<Option<(Instant, Result<(), String>)>>);

impl Writable {
    /// The result of the last check if it is fresh, else of a new one. Requests that come during a check share it.
    pub(super) async fn check(&self, store: &Store, now: Timestamp) -> Result<(), String> {
        let mut last = self.0.lock().await;
        let fresh = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH_FOR);
        if let Some((_, known)) = fresh {
            return known.clone();
        }
        let checked = store.check(now).await.map_err(|error| error.reason());
        *last = Some((Instant::now(), checked.clone()));
        checked
    }
}
