//! A base's requests, counted in the database for all processes: `serve`, its replicas and the commands.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{Clock, deliver::BatchPolicy};
use crate::{
    airtable::{Denied, Grant, LedgerEntry, RequestLedger},
    domain::budget::{Allowance, Demand, LONGEST_WAIT, Mode, Month, utc_day},
    store::{self, After, Store},
};

/// How long a forecast holds that leaves far more requests than are needed.
const FORECAST: SignedDuration = SignedDuration::from_secs(2);

/// The requests of two processes are this many times further apart: the first request on a new connection arrives later
/// than those that follow it from elsewhere.
const OTHER_PROCESS: f64 = 1.5;

/// AIRTABLE_MONTHLY_REQUESTS and how many of them are used.
#[derive(Clone)]
pub struct Budget {
    store: Store,
    /// `app…`
    base_id: String,
    limit: Option<u64>,
    clock: Clock,
    /// The worst mode that was logged on a day: with each request it may change between two.
    logged: Arc<Mutex<Option<(Date, Mode)>>>,
    /// When there were last far more requests left than needed; `None`: not as of the last forecast.
    ample_since: Arc<Mutex<Option<Timestamp>>>,
    /// When the last request of this process was due.
    last_request: Arc<Mutex<Option<Timestamp>>>,
}

impl Budget {
    /// `limit` is AIRTABLE_MONTHLY_REQUESTS; `None` is unlimited.
    pub fn new(store: Store, base_id: String, limit: Option<u64>, clock: Clock) -> Budget {
        Budget {
            store,
            base_id,
            limit,
            clock,
            logged: Arc::default(),
            ample_since: Arc::default(),
            last_request: Arc::default(),
        }
    }

    /// The ledger in which the client records each request.
    pub fn ledger(&self) -> RequestLedger {
        let budget = self.clone();
        RequestLedger::new(move |entry| {
            let budget = budget.clone();
            async move { budget.write(entry).await }.boxed()
        })
    }

    async fn write(&self, entry: LedgerEntry) -> Result<Grant, Denied> {
        let now = (self.clock)();
        let uncounted = |error: store::Error| Denied::Uncounted(error.into());
        match entry {
            LedgerEntry::Request { spacing } => {
                let after = After {
                    last: *self.last_request(),
                    own: spacing,
                    others: spacing.mul_f64(OTHER_PROCESS),
                };
                let turn = self.store.turn(&self.base_id, after, self.limit, now);
                let Some(base) = turn.await.map_err(uncounted)? else {
                    let rest = until(Month::of(now).ends, now);
                    let limit = self.limit.unwrap_or_default();
                    return Err(Denied::Spent { limit, rest });
                };
                *self.last_request() = Some(base.turn_at);
                Ok(Grant {
                    wait: until(base.turn_at, (self.clock)()),
                    reduced: base.lowered.map(|(rate, at)| (rate, until(now, at))),
                })
            }
            LedgerEntry::Lockout { pause, rate } => {
                let lowered = self.store.lower(&self.base_id, rate, now + pause, now);
                lowered.await.map_err(uncounted)?;
                Ok(Grant::default())
            }
        }
    }

    /// What is worth a request now. What is left of the month is logged once a day, and when it gets worse.
    pub async fn batch_policy(&self, now: Timestamp) -> Result<BatchPolicy, store::Error> {
        if self.limit.is_none() {
            return Ok(BatchPolicy::Everything);
        }
        let allowance = self.allowance(now).await?;
        Ok(match self.mode(allowance, now).await? {
            // When nothing is left one batch asks the ledger, is denied, and pauses the sink with the reason.
            Mode::Free | Mode::Spent => BatchPolicy::Everything,
            Mode::FinalFirst => BatchPolicy::FinalOnly { since: now },
            Mode::Saving => BatchPolicy::FinalOnly {
                since: now - LONGEST_WAIT,
            },
        })
    }

    /// Whether the month's requests suffice for more than the rows of calls.
    pub async fn has_spare(&self, now: Timestamp) -> Result<bool, store::Error> {
        if self.limit.is_none() {
            return Ok(true);
        }
        let allowance = self.allowance(now).await?;
        let mode = self.mode(allowance, now).await?;
        Ok(mode == Mode::Free && allowance.has_spare(now))
    }

    async fn allowance(&self, now: Timestamp) -> Result<Allowance, store::Error> {
        let base = self.store.base(&self.base_id).await?;
        Ok(Allowance {
            limit: self.limit,
            used: base.map_or(0, |base| base.used(now)),
        })
    }

    /// How the rest of the month's requests is spent. The database is asked for the demand only if that can matter.
    async fn mode(&self, allowance: Allowance, now: Timestamp) -> Result<Mode, store::Error> {
        let mode = allowance.mode(now);
        let is_ample = || self.ample_since().is_some_and(|then| is_recent(then, now));
        if mode != Mode::Free || is_ample() {
            self.log(allowance, &Demand::default(), mode, now);
            return Ok(mode);
        }
        let enough = Demand::enough(allowance.left().unwrap_or_default(), now);
        let demand = self.store.demand(&enough, now).await?;
        let mode = allowance.mode_for(&demand, now);
        *self.ample_since() = allowance.is_ample(&demand, now).then_some(now);
        self.log(allowance, &demand, mode, now);
        Ok(mode)
    }

    fn ample_since(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.ample_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn last_request(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.last_request
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, allowance: Allowance, demand: &Demand, mode: Mode, now: Timestamp) {
        let today = Some((utc_day(now), mode));
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if *logged >= today {
            return;
        }
        *logged = today;
        let used = allowance.used;
        let left = allowance.left().unwrap_or_default();
        match (mode, allowance.runs_out(now)) {
            (Mode::Saving, Some(day)) => {
                let day = utc_day(day);
                tracing::warn!(
                    used, left, %day,
                    "AIRTABLE_MONTHLY_REQUESTS will be used up on `day` at this rate; until the month ends, only rows of \
                     ended calls are sent, in full requests or after waiting 24 h"
                );
            }
            (Mode::FinalFirst | Mode::Saving, _) => tracing::warn!(
                used,
                left,
                waiting = demand.open_rows,
                expected = demand.expected(now),
                "the requests left of AIRTABLE_MONTHLY_REQUESTS are kept for the rows of ended calls (`waiting`, and `expected` until \
                 the month ends); rows of open calls wait"
            ),
            (Mode::Spent, _) => tracing::warn!(used, "AIRTABLE_MONTHLY_REQUESTS are used up"),
            _ => tracing::info!(
                used,
                left,
                "AIRTABLE_MONTHLY_REQUESTS last to the end of the month"
            ),
        }
    }
}

/// Whether a forecast of the same month still holds.
fn is_recent(then: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(then);
    !age.is_negative() && age < FORECAST && Month::of(then) == Month::of(now)
}

/// How long until then; zero if it is past.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
