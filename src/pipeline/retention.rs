//! Retention (KEEP): purges what was delivered long ago, a little at a time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Job, Wake};
use crate::store::{CallRow, Store};

/// Deletes transcripts and inbox messages that are older than KEEP.
pub struct Retention {
    store: Store,
    /// KEEP
    keep: Duration,
    /// The last message that this round has checked.
    swept: Mutex<String>,
}

impl Retention {
    /// `keep`: KEEP.
    pub fn new(store: Store, keep: Duration) -> Retention {
        Retention {
            store,
            keep,
            swept: Mutex::default(),
        }
    }

    async fn purge(&self, then: Timestamp) -> anyhow::Result<bool> {
        let mut calls = self.store.complete_before(then).await?;
        for CallRow { call, .. } in &mut calls {
            call.purge();
        }
        self.store.purge(&calls).await?;
        if !calls.is_empty() {
            tracing::debug!(calls = calls.len(), "purged transcripts older than KEEP");
        }
        Ok(!calls.is_empty())
    }

    /// `true`: the entire inbox has been checked.
    async fn sweep(&self, then: Timestamp) -> anyhow::Result<bool> {
        let place = || self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let swept = place().clone();
        let next = self.store.sweep(&swept, then).await?;
        let done = next.is_none();
        *place() = next.unwrap_or_default();
        Ok(done)
    }
}

impl Job for Retention {
    fn name(&self) -> &'static str {
        "keep"
    }

    fn wake_on<'a>(&self, _wake: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn every(&self) -> Duration {
        let hour = Duration::from_secs(3600);
        self.keep.clamp(Duration::from_secs(1), hour)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let then = now.checked_sub(self.keep).unwrap_or(Timestamp::MIN);
        if self.store.note_complete(now).await? > 0 || self.purge(then).await? {
            return Ok(true);
        }
        Ok(!self.sweep(then).await? || self.store.shrink().await?)
    }
}
