//! A base's requests, counted in the database for every process: `serve`, its replicas and the commands.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{Clock, deliver::BatchPolicy};
use crate::{
    airtable::{Book, Denied, Entry, Leave},
    domain::budget::{Allowance, Mode, Month, utc_day},
    store::{self, After, Store},
};

/// How long a row may wait for a request to fill while the month's requests are short.
const GATHER: SignedDuration = SignedDuration::from_hours(24);

/// So many times further apart are the turns of two processes: the first request on a new connection arrives later than
/// those that follow it from elsewhere.
const APART: f64 = 1.5;

/// AIRTABLE_MONTHLY_REQUESTS and what has been used of them.
#[derive(Clone)]
pub struct Budget {
    store: Store,
    /// `app…`
    base_id: String,
    limit: Option<u64>,
    clock: Clock,
    /// The worst that was told on a day: between two modes it may change with each request.
    told: Arc<Mutex<Option<(Date, Mode)>>>,
    last_turn: Arc<Mutex<Option<Timestamp>>>,
}

impl Budget {
    pub fn new(store: Store, base_id: String, limit: Option<u64>, clock: Clock) -> Budget {
        Budget {
            store,
            base_id,
            limit,
            clock,
            told: Arc::default(),
            last_turn: Arc::default(),
        }
    }

    /// What the client writes each request into.
    pub fn book(&self) -> Book {
        let budget = self.clone();
        Book::new(move |entry| {
            let budget = budget.clone();
            async move { budget.write(entry).await }.boxed()
        })
    }

    async fn write(&self, entry: Entry) -> Result<Leave, Denied> {
        let now = (self.clock)();
        let uncounted = |error: store::Error| Denied::Uncounted(error.into());
        match entry {
            Entry::Turn { spacing } => {
                let after = After {
                    last: *self.last_turn(),
                    own: spacing,
                    others: spacing.mul_f64(APART),
                };
                let turn = self.store.turn(&self.base_id, after, self.limit, now);
                let Some(base) = turn.await.map_err(uncounted)? else {
                    let rest = until(Month::of(now).ends, now);
                    let limit = self.limit.unwrap_or_default();
                    return Err(Denied::Spent { limit, rest });
                };
                *self.last_turn() = Some(base.turn_at);
                let ago = |(rate, at)| (rate, until(now, at));
                Ok(Leave {
                    wait: until(base.turn_at, (self.clock)()),
                    lowered: base.lowered.map(ago),
                })
            }
            Entry::Lockout { pause, rate } => {
                let lowered = self.store.lower(&self.base_id, rate, now + pause, now);
                lowered.await.map_err(uncounted)?;
                Ok(Leave::default())
            }
        }
    }

    /// What is worth a request now. What is left is logged once a day, and when it gets worse.
    pub async fn gather(&self, now: Timestamp) -> Result<BatchPolicy, store::Error> {
        if self.limit.is_none() {
            return Ok(BatchPolicy::Everything);
        }
        let base = self.store.base(&self.base_id).await?;
        let allowance = Allowance {
            limit: self.limit,
            used: base.map_or(0, |base| base.used(now)),
        };
        let mode = allowance.mode(now);
        self.tell(allowance, mode, now);
        Ok(match mode {
            // When nothing is left one batch asks for its turn, is refused, and closes the sink with the reason.
            Mode::Free | Mode::Spent => BatchPolicy::Everything,
            Mode::Saving => BatchPolicy::FinalOnly {
                since: now - GATHER,
            },
        })
    }

    fn last_turn(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.last_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, allowance: Allowance, mode: Mode, now: Timestamp) {
        let news = Some((utc_day(now), mode));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told >= news {
            return;
        }
        *told = news;
        let used = allowance.used;
        let left = allowance.left().unwrap_or_default();
        match (mode, allowance.runs_out(now)) {
            (Mode::Saving, Some(day)) => {
                let day = utc_day(day);
                tracing::warn!(
                    used, left, %day,
                    "at this pace AIRTABLE_MONTHLY_REQUESTS are used up on that day: only rows of calls that have ended \
                     are sent, ten a request or after a day"
                );
            }
            (Mode::Spent, _) => tracing::warn!(used, "AIRTABLE_MONTHLY_REQUESTS are used up"),
            _ => tracing::info!(
                used,
                left,
                "AIRTABLE_MONTHLY_REQUESTS last to the month's end"
            ),
        }
    }
}

fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
