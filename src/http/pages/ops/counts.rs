//! How many calls each status has. Counting a large table takes some milliseconds, so it is done for a small part of the
//! time only, and beside the requests.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::Instant,
};

use crate::{
    domain::Status,
    store::{self, Store},
};

/// A result counts so many times longer than it took.
const SHARE: u32 = 20;
/// The longest that a result counts.
const LONGEST: Duration = Duration::from_millis(800);
/// A result that took longer is still given out so long, while the next one is made.
const SLOW: Duration = Duration::from_millis(3);
const OUTDATED: Duration = Duration::from_millis(2500);

/// Calls by status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StatusCounts(Vec<(Status, i64)>);

/// A result.
#[derive(Clone)]
struct Counted {
    at: Instant,
    took: Duration,
    counts: StatusCounts,
}

/// The last result, for all requests.
#[derive(Default)]
pub(super) struct Counts {
    last: Mutex<Option<Counted>>,
    /// Held by the one who counts.
    counting: AsyncMutex<()>,
    /// Somebody got a result that is not new.
    wanted: Notify,
}

impl StatusCounts {
    /// Calls with this status; `None`: all.
    pub(super) fn of(&self, status: Option<Status>) -> i64 {
        let counted = self.0.iter();
        let wanted = counted.filter(|(one, _)| status.is_none_or(|status| status == *one));
        wanted.map(|(_, count)| count).sum()
    }
}

impl Counted {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < (self.took * SHARE).min(LONGEST)
    }

    fn is_good_enough(&self) -> bool {
        self.took > SLOW && self.at.elapsed() < OUTDATED
    }
}

impl Counts {
    /// As many as there are, or were a moment ago.
    pub(super) async fn now(&self, store: &Store) -> Result<StatusCounts, store::Error> {
        match self.last() {
            Some(last) if last.is_fresh() => Ok(last.counts),
            Some(last) if last.is_good_enough() => {
                self.wanted.notify_one();
                Ok(last.counts)
            }
            _ => self.count(store).await,
        }
    }

    /// Counts each time that somebody got a result that was not new; for ever.
    pub(super) async fn refresh(&self, store: &Store) {
        loop {
            self.wanted.notified().await;
            // Without the database, whoever asks next gets the error.
            self.count(store).await.ok();
        }
    }

    async fn count(&self, store: &Store) -> Result<StatusCounts, store::Error> {
        let _counting = self.counting.lock().await;
        match self.last().filter(Counted::is_fresh) {
            Some(last) => Ok(last.counts),
            None => self.recounted(store).await,
        }
    }

    /// As many as there are now.
    pub(super) async fn recounted(&self, store: &Store) -> Result<StatusCounts, store::Error> {
        let began = Instant::now();
        let counts = StatusCounts(store.count_calls().await?);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Counted {
            at: Instant::now(),
            took: began.elapsed(),
            counts: counts.clone(),
        });
        Ok(counts)
    }

    fn last(&self) -> Option<Counted> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}
