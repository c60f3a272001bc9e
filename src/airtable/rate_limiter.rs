//! When a request may go: the one owner of a base's request budget in this process.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::ledger::{Denied, Grant, LedgerEntry, RequestLedger};
use super::rate::Rate;
use super::slots::{AnswerSlot, Slots};

/// Spaces requests evenly with `governor` (GCRA, burst 1) and keeps [`Slots`] beside it, so that no sliding second holds
/// more than the rate as Airtable sees it. The ledger decides between processes: its grant is a time in the database.
pub(super) struct RateLimiter {
    ledger: Option<RequestLedger>,
    slots: Slots,
    /// Held by the one request that waits for its permit, and after a lockout until the probe is answered.
    probe_lock: Arc<tokio::sync::Mutex<()>>,
    /// Held by the one batch that is chosen for the next permit.
    batch_queue: Arc<Semaphore>,
    sent: AtomicU64,
    state: Mutex<LimiterState>,
}

struct LimiterState {
    rate: Rate,
    not_before: Instant,
    paused_until: Instant,
    traffic: Traffic,
    last_sent: Option<Instant>,
    /// The shortest time between a request and its response.
    fastest_answer: Option<Duration>,
}

/// How many requests may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traffic {
    Normal,
    /// After a lockout, one request is sent alone until Airtable accepts one.
    Probing,
}

/// How long it takes to choose what to send and to have it counted. Both begin this long before a request is due: a
/// permit that is used later than it could be is throughput lost.
const LEAD: Duration = Duration::from_millis(40);
/// With a ledger requests are this much further apart than the rate asks, as their ways to Airtable differ.
const MARGIN: f64 = 1.02;

impl RateLimiter {
    /// `rate` in requests per second, limited to 0.01 to 50 (what one token's user gets).
    pub(super) fn new(rate: f64) -> RateLimiter {
        let rate = Rate::new(rate, 1.0);
        let now = Instant::now();
        RateLimiter {
            ledger: None,
            slots: Slots::new(rate.configured().max(1.0) as usize),
            probe_lock: Arc::default(),
            batch_queue: Arc::new(Semaphore::new(1)),
            sent: AtomicU64::new(0),
            state: Mutex::new(LimiterState {
                rate,
                not_before: now,
                paused_until: now,
                traffic: Traffic::Normal,
                last_sent: None,
                fastest_answer: None,
            }),
        }
    }

    /// Has every request granted and counted by this ledger, too.
    pub(super) fn counted(mut self, ledger: RequestLedger) -> RateLimiter {
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.rate = Rate::new(state.rate.configured(), MARGIN);
        self.ledger = Some(ledger);
        self
    }

    /// Waits until a request may go, and has it counted. Hold the permit until the request is answered.
    ///
    /// # Errors
    /// When the ledger denies it.
    pub(super) async fn acquire(&self) -> Result<Permit<'_>, Denied> {
        let probe_lock = self.probe_lock.clone().lock_owned().await;
        let slot = self.slots.take().await;
        sleep_until(slot.free_at()).await;
        loop {
            sleep_until(self.opens_at()).await;
            sleep_until(self.granted_at().await?).await;
            let spacer = self.state().rate.spacer();
            spacer.until_ready().await;
            // Otherwise a 429 came in the meantime.
            if self.state().paused_until <= Instant::now() {
                return Ok(self.permit(slot, probe_lock));
            }
        }
    }

    fn permit<'a>(&self, mut slot: AnswerSlot<'a>, probe_lock: OwnedMutexGuard<()>) -> Permit<'a> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut state = self.state();
        state.last_sent = Some(now);
        state.rate.follow();
        if let Some(rate) = state.rate.take_recovery() {
            tracing::info!(
                rate,
                "the rate of requests to Airtable is back at AIRTABLE_REQUESTS_PER_SECOND"
            );
        }
        let window = Duration::from_secs_f64(self.slots.count() as f64 / state.rate.now());
        slot.occupy(window.saturating_sub(state.fastest_answer.unwrap_or_default()));
        let probe = match state.traffic {
            Traffic::Normal => None,
            Traffic::Probing => Some(probe_lock),
        };
        Permit {
            _slot: slot,
            sent_at: now,
            probe,
        }
    }

    /// Waits until a request could go in a moment. Until the returned permit is dropped nobody else gets one: whoever
    /// holds it chooses what to send, and drops it when it acquires the request's permit.
    pub(super) async fn ready(&self) -> Option<OwnedSemaphorePermit> {
        let batch = self.batch_queue.clone().acquire_owned().await.ok();
        let _probe_lock = self.probe_lock.lock().await;
        let free_at = self.slots.take().await.free_at();
        sleep_until(self.opens_at().max(ahead(free_at))).await;
        batch
    }

    /// When the ledger lets the next request go.
    async fn granted_at(&self) -> Result<Instant, Denied> {
        let Some(ledger) = &self.ledger else {
            return Ok(Instant::now());
        };
        let spacing = self.state().rate.spacing();
        let Grant { wait, reduced } = ledger.write(LedgerEntry::Request { spacing }).await?;
        if let Some((rate, ago)) = reduced {
            // Another process, or this one before a restart, was locked out.
            self.state().rate.learn(rate, ago);
        }
        Ok(Instant::now() + wait)
    }

    /// Lets nothing go for `delay` from now.
    pub(super) fn not_before(&self, delay: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Instant::now() + delay);
    }

    /// After a 429 nothing goes for `after` plus up to 1 s of jitter, then one probe, and the rate is halved. Returns
    /// the pause. Requests that were under way together count as one warning.
    pub(super) async fn lock_out(&self, after: Duration) -> Duration {
        let pause = after + jitter();
        let Some((rate, configured)) = self.pause(pause) else {
            return pause;
        };
        metrics::counter!("livekit_airtable_lockouts_total").increment(1);
        tracing::warn!(
            "Airtable answered 429 (too many requests): all rows wait {} s, then continue at {rate} requests per second, \
             which recovers to {configured} within ten minutes. This service stays below its rate, so another program \
             uses the base too, or its plan is throttled. If this repeats, find that program or lower \
             AIRTABLE_REQUESTS_PER_SECOND",
            pause.as_secs(),
        );
        if let Some(ledger) = &self.ledger
            && let Err(error) = ledger.write(LedgerEntry::Lockout { pause, rate }).await
        {
            tracing::warn!(
                ?error,
                "the lockout could not be stored, so other processes do not pause"
            );
        }
        pause
    }

    /// The rate from now on and the configured one; `None`: it had paused already.
    fn pause(&self, pause: Duration) -> Option<(f64, f64)> {
        let now = Instant::now();
        let mut state = self.state();
        let is_first = state.paused_until <= now;
        match is_first {
            true => state.rate.halve(now),
            false => state.rate.hold(now),
        }
        state.paused_until = state.paused_until.max(now + pause);
        state.traffic = Traffic::Probing;
        is_first.then(|| (state.rate.now(), state.rate.configured()))
    }

    /// Airtable answered otherwise than with 429: if that was the probe after a lockout, the others may be sent. Requests
    /// that were under way beside the refused one prove nothing.
    pub(super) fn answered(&self, permit: &Permit<'_>) {
        let took = permit.sent_at.elapsed();
        let mut state = self.state();
        let fastest = state.fastest_answer;
        state.fastest_answer = Some(fastest.map_or(took, |fastest| fastest.min(took)));
        if permit.probe.is_some() {
            state.traffic = Traffic::Normal;
        }
    }

    /// The rest of the pause after a 429.
    pub(super) fn paused(&self) -> Option<Duration> {
        let paused_until = self.state().paused_until;
        let rest = paused_until.duration_since(Instant::now());
        Some(rest).filter(|rest| !rest.is_zero())
    }

    /// The current rate in requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.state().rate.now()
    }

    /// Permits given since the start.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// When a request may be chosen and counted, as far as pauses and the spacing go. `governor` cannot be asked when it
    /// would let the next one go, only to let it go.
    fn opens_at(&self) -> Instant {
        let state = self.state();
        let opens = state.not_before.max(state.paused_until);
        let spaced = state.last_sent.map(|last| last + state.rate.spacing());
        spaced.map_or(opens, |spaced| opens.max(ahead(spaced)))
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`LEAD`] before a time.
fn ahead(at: Instant) -> Instant {
    at.checked_sub(LEAD).unwrap_or(at)
}

/// Permission to send one request; given back when dropped, also by a caller that gave up.
pub(super) struct Permit<'a> {
    _slot: AnswerSlot<'a>,
    sent_at: Instant,
    /// While the probe after a lockout holds this, no other request gets a permit.
    probe: Option<OwnedMutexGuard<()>>,
}

/// 0 to 1 s: replicas and other programs do not all resume at the same moment.
fn jitter() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(0u8) % 1000)
}
