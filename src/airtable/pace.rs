//! When a request may go: one owner of a base's budget of requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::book::{Book, Denied, Entry, Leave};
use crate::domain::budget::{climbed, halved};

/// Even spacing (burst 1), and never more than the rate in any sliding second as *Airtable* sees it: there are as many
/// slots as requests a second, and one is free again a second after its request was answered, less the time that an
/// answer takes at least. So a request that was held up on its way cannot be pushed together with those after it.
/// Rates below 1 or with a fraction stretch that second. The book gives leave last, so that other processes are spaced
/// with this one: a turn is a time in the database, and the rate changes while it climbs back, which is why no limiter
/// of a library is used.
pub(super) struct Pace {
    configured: f64,
    book: Option<Book>,
    slots: Vec<tokio::sync::Mutex<Instant>>,
    /// Held by the one request that waits for its turn, and after a lockout until the probe is answered.
    gate: Arc<tokio::sync::Mutex<()>>,
    /// Held by the one batch that is gathered for the next turn.
    line: Arc<Semaphore>,
    next_slot: AtomicUsize,
    sent: AtomicU64,
    state: Mutex<State>,
}

struct State {
    /// The rate after the last lockout, and when that was.
    lowered: Option<(f64, Instant)>,
    not_before: Instant,
    paused_until: Instant,
    /// After a lockout one request goes alone, until Airtable takes one.
    probing: bool,
    last_turn: Option<Instant>,
    /// The shortest time between a request and its answer.
    fastest: Option<Duration>,
}

/// How long it takes to choose what to send and to have it counted; a turn that begins later than it could is lost.
const CHOOSING: Duration = Duration::from_millis(40);
/// Requests of several processes are further apart than the limit asks by as much as their ways to Airtable may differ.
const MARGIN: f64 = 1.02;

impl Pace {
    /// `rate` in requests per second, taken as 0.01 to 50 (what one token's user gets).
    pub(super) fn new(rate: f64) -> Pace {
        let rate = if rate.is_finite() {
            rate.clamp(0.01, 50.0)
        } else {
            1.0
        };
        let now = Instant::now();
        let slots = (0..rate.max(1.0) as usize)
            .map(|_| tokio::sync::Mutex::new(now))
            .collect();
        Pace {
            configured: rate,
            book: None,
            slots,
            gate: Arc::default(),
            line: Arc::new(Semaphore::new(1)),
            next_slot: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            state: Mutex::new(State {
                lowered: None,
                not_before: now,
                paused_until: now,
                probing: false,
                last_turn: None,
                fastest: None,
            }),
        }
    }

    /// Asks this book for leave too.
    pub(super) fn counted(self, book: Book) -> Pace {
        let book = Some(book);
        Pace { book, ..self }
    }

    /// Waits until a request may go, and has it counted. Hold the turn until it is answered.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Denied> {
        let gate = self.gate.clone().lock_owned().await;
        let index = self.next_slot.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let free_at = self.slots[index].lock().await;
        sleep_until(*free_at).await;
        loop {
            sleep_until(self.opens()).await;
            sleep_until(self.leave().await?).await;
            // Else a 429 came while this one waited for its place.
            if self.opens() <= Instant::now() {
                break;
            }
        }
        self.tell_when_back();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let held = Duration::from_secs_f64(self.slots.len() as f64 / self.rate());
        let now = Instant::now();
        let mut state = self.state();
        state.last_turn = Some(now);
        let alone = state.probing.then_some(gate);
        Ok(Turn {
            free_at,
            held: held.saturating_sub(state.fastest.unwrap_or_default()),
            given_at: now,
            alone,
        })
    }

    /// Waits until a request would go in a moment. Until what is given is dropped, nobody else is told so: who holds it
    /// chooses what to send, and lets go when it asks for its turn.
    pub(super) async fn ready(&self) -> Option<OwnedSemaphorePermit> {
        let line = self.line.clone().acquire_owned().await.ok();
        let _gate = self.gate.lock().await;
        let index = self.next_slot.load(Ordering::Relaxed) % self.slots.len();
        let free_at = *self.slots[index].lock().await;
        let goes = free_at.max(self.opens());
        sleep_until(goes.checked_sub(CHOOSING).unwrap_or(goes)).await;
        line
    }

    /// The book's leave: when the request may go.
    async fn leave(&self) -> Result<Instant, Denied> {
        let Some(book) = &self.book else {
            return Ok(Instant::now());
        };
        let spacing = self.spacing();
        let Leave { wait, lowered } = book.write(Entry::Turn { spacing }).await?;
        if let Some((rate, ago)) = lowered {
            self.learn(rate, ago);
        }
        Ok(Instant::now() + wait)
    }

    /// Another process, or this one before it was restarted, was locked out.
    fn learn(&self, rate: f64, ago: Duration) {
        if climbed(self.configured, rate, ago) >= self.configured {
            return;
        }
        let Some(at) = Instant::now().checked_sub(ago) else {
            return;
        };
        let mut state = self.state();
        // This process' own lockout may not be in the book yet.
        if state.lowered.is_none_or(|(_, known)| known < at) {
            state.lowered = Some((rate, at));
        }
    }

    pub(super) fn not_before(&self, delay: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Instant::now() + delay);
    }

    /// After a 429: nothing goes for `after` plus up to 1 s of jitter, then one probe, and the rate is halved. While we
    /// keep to the limit, a lockout means that somebody else uses the base or that its plan is slowed down. Returns the
    /// pause.
    pub(super) async fn lock_out(&self, after: Duration) -> Duration {
        let pause = after + jitter();
        let before = self.rate();
        let rate = {
            let now = Instant::now();
            let mut state = self.state();
            // Requests that were under way together count as one warning.
            let first = state.paused_until <= now;
            let rate = if first {
                halved(self.configured, before)
            } else {
                before
            };
            state.lowered = Some((rate, now));
            state.paused_until = state.paused_until.max(now + pause);
            state.probing = true;
            if !first {
                return pause;
            }
            rate
        };
        metrics::counter!("livekit_airtable_lockouts_total").increment(1);
        tracing::warn!(
            "Airtable answered 429, too many requests: every row waits {} s, then goes on at {rate} requests per second, \
             which climb back to {} in ten minutes. We keep to our rate, so another program uses this base too, or its \
             plan is slowed down: if this repeats, find that program, or set AIRTABLE_REQUESTS_PER_SECOND lower",
            pause.as_secs(),
            self.configured
        );
        if let Some(book) = &self.book
            && let Err(denied) = book.write(Entry::Lockout { pause, rate }).await
        {
            tracing::warn!(error = ?denied, "other processes cannot be told that Airtable is to be left alone");
        }
        pause
    }

    /// Airtable answered otherwise than with 429: if that was the probe after a lockout, the others may go on. What was
    /// under way beside the refused one proves nothing.
    pub(super) fn answered(&self, turn: &Turn<'_>) {
        let took = turn.given_at.elapsed();
        let mut state = self.state();
        state.fastest = Some(state.fastest.map_or(took, |fastest| fastest.min(took)));
        if turn.alone.is_some() {
            state.probing = false;
        }
    }

    /// The rest of the pause after a 429.
    pub(super) fn paused(&self) -> Option<Duration> {
        let rest = self.state().paused_until.duration_since(Instant::now());
        Some(rest).filter(|rest| !rest.is_zero())
    }

    /// Requests per second as of now.
    pub(super) fn rate(&self) -> f64 {
        let lowered = self.state().lowered;
        lowered.map_or(self.configured, |(rate, at)| {
            climbed(self.configured, rate, at.elapsed())
        })
    }

    /// Turns given since the start.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn spacing(&self) -> Duration {
        let margin = if self.book.is_some() { MARGIN } else { 1.0 };
        Duration::from_secs_f64(margin / self.rate())
    }

    /// When nothing but the slots and the book keeps a request from going.
    fn opens(&self) -> Instant {
        let spacing = self.spacing();
        let state = self.state();
        let spaced = state.last_turn.map(|last| last + spacing);
        let opens = state.not_before.max(state.paused_until);
        spaced.map_or(opens, |spaced| spaced.max(opens))
    }

    fn tell_when_back(&self) {
        let rate = self.rate();
        if rate >= self.configured && self.state().lowered.take().is_some() {
            tracing::info!(
                rate,
                "Airtable is sent requests at the configured rate (requests per second) again"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request; given back when dropped, also by a caller that gave up.
pub(super) struct Turn<'a> {
    free_at: tokio::sync::MutexGuard<'a, Instant>,
    held: Duration,
    given_at: Instant,
    /// Nobody else has a turn beside the probe after a lockout.
    alone: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.free_at = Instant::now() + self.held;
    }
}

/// 0 to 1 s: replicas and other programs on the base do not come back together.
fn jitter() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(0u8) % 1000)
}
