//! Detects that the system clock was set back, which must not delay anything until it has caught up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Notify};

use super::{Job, Wake};
use crate::store::Store;

/// How often the time is recorded for the next process.
const NOTED: SignedDuration = SignedDuration::from_secs(10);

/// Notices a system clock that moved back, and adjusts scheduled times.
pub struct ClockRegression {
    store: Store,
    seen: Mutex<Seen>,
}

/// The time at the last check, and when it was last recorded.
#[derive(Clone, Copy, Default)]
struct Seen {
    at: Option<Timestamp>,
    noted_at: Option<Timestamp>,
}

impl ClockRegression {
    /// Compares with the time that the database holds.
    pub fn new(store: Store) -> ClockRegression {
        ClockRegression {
            store,
            seen: Mutex::default(),
        }
    }
}

impl Job for ClockRegression {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let mut seen = self.seen.lock().await;
        if seen.at.is_none() {
            seen.at = self.store.noted_clock().await?;
        }
        if let Some(before) = seen.at
            && let Some(back) = self.store.set_back(before, now).await?
        {
            let seconds = back.as_secs();
            tracing::warn!("system clock moved back {seconds} s; scheduled times adjusted");
            seen.noted_at = None;
        }
        seen.at = Some(now);
        if seen.noted_at.is_none_or(|at| now >= at + NOTED) {
            self.store.note_clock(now).await?;
            seen.noted_at = Some(now);
        }
        Ok(false)
    }
}
