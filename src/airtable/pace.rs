//! When a request may go: one owner of a base's budget of requests.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota};
use tokio::time::{Instant, sleep_until};

/// Even spacing (burst 1), and never more than the rate in any sliding second as *Airtable* sees it: there are as many
/// slots as requests a second, and one is free again a second after its request was answered, so that a slow
/// connection cannot push two requests together. Rates below 1 or with a fraction stretch that second.
pub(super) struct Pace {
    configured: f64,
    slots: Vec<tokio::sync::Mutex<Instant>>,
    /// Held by the one request that waits for its turn.
    gate: tokio::sync::Mutex<()>,
    next_slot: AtomicUsize,
    sent: AtomicU64,
    state: Mutex<State>,
}

struct State {
    limiter: Arc<DefaultDirectRateLimiter>,
    /// Requests per second now, and since when it is below what is configured.
    rate: f64,
    lowered: Option<Instant>,
    not_before: Instant,
    paused_until: Instant,
}

/// How long a lowered rate stays: a plan that slows us down does so at the next try again.
const LOWERED_FOR: Duration = Duration::from_secs(3600);
/// The lowest rate a 429 leads to, requests per second: half of what a plan over its quota still gets.
const LOWEST: f64 = 1.0;

impl Pace {
    /// `rate` in requests per second, taken as 0.01 to 50 (what one token's user gets).
    pub(super) fn new(rate: f64) -> Pace {
        let rate = if rate.is_finite() {
            rate.clamp(0.01, 50.0)
        } else {
            LOWEST
        };
        let now = Instant::now();
        let slots = (0..rate.max(1.0) as usize)
            .map(|_| tokio::sync::Mutex::new(now))
            .collect();
        Pace {
            configured: rate,
            slots,
            gate: tokio::sync::Mutex::new(()),
            next_slot: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            state: Mutex::new(State {
                limiter: limiter(rate),
                rate,
                lowered: None,
                not_before: now,
                paused_until: now,
            }),
        }
    }

    /// Waits until a request may go. Hold the turn until it is answered.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let _gate = self.gate.lock().await;
        let index = self.next_slot.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let free_at = self.slots[index].lock().await;
        sleep_until(*free_at).await;
        loop {
            let opens = self.opens();
            if opens > Instant::now() {
                sleep_until(opens).await;
                continue;
            }
            self.limiter().until_ready().await;
            // A 429 may have come while this one waited for its place.
            if self.opens() <= Instant::now() {
                self.sent.fetch_add(1, Ordering::Relaxed);
                let seconds = self.slots.len() as f64 / self.rate();
                return Turn {
                    free_at,
                    held: Duration::from_secs_f64(seconds),
                };
            }
        }
    }

    /// Waits until no other request waits for its turn, so that what is chosen to be sent is chosen late.
    pub(super) async fn ready(&self) {
        drop(self.gate.lock().await);
    }

    pub(super) fn not_before(&self, delay: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Instant::now() + delay);
    }

    /// After a 429: nothing goes for `after` plus up to 1 s of jitter, and the rate is halved for an hour.
    /// Returns the pause.
    pub(super) fn pause(&self, after: Duration) -> Duration {
        let pause = after + jitter();
        let now = Instant::now();
        let mut state = self.state();
        // Requests that were under way together count as one warning.
        if state.paused_until <= now {
            state.rate = (state.rate / 2.0).max(LOWEST.min(self.configured));
            state.limiter = limiter(state.rate);
        }
        state.lowered = Some(now);
        state.paused_until = state.paused_until.max(now + pause);
        pause
    }

    /// The rest of the pause after a 429.
    pub(super) fn paused(&self) -> Option<Duration> {
        let rest = self.state().paused_until.duration_since(Instant::now());
        Some(rest).filter(|rest| !rest.is_zero())
    }

    /// Requests per second as of now.
    pub(super) fn rate(&self) -> f64 {
        self.state().rate
    }

    /// Turns given since the start.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn opens(&self) -> Instant {
        let state = self.state();
        state.not_before.max(state.paused_until)
    }

    fn limiter(&self) -> Arc<DefaultDirectRateLimiter> {
        let mut state = self.state();
        if state.lowered.is_some_and(|at| at.elapsed() >= LOWERED_FOR) {
            state.lowered = None;
            state.rate = self.configured;
            state.limiter = limiter(self.configured);
        }
        state.limiter.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request; given back when dropped, also by a caller that gave up.
pub(super) struct Turn<'a> {
    free_at: tokio::sync::MutexGuard<'a, Instant>,
    held: Duration,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.free_at = Instant::now() + self.held;
    }
}

fn limiter(rate: f64) -> Arc<DefaultDirectRateLimiter> {
    // A period of zero cannot be: the rate is at most 50 per second.
    let quota = Quota::with_period(Duration::from_secs_f64(1.0 / rate))
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::MIN);
    Arc::new(DefaultDirectRateLimiter::direct(quota))
}

/// 0 to 1 s: replicas and other programs on the base do not come back together.
fn jitter() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(0u8) % 1000)
}
