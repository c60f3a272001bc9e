//! DELIVERY to the outside world: finds what is due, lets the sink send the state of now, and ends the try.

mod claim;
mod load;
mod told;

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::task::TaskTracker;

use super::{Clock, Job, LONG_STEP_TIMEOUT, Runner, Wake, lease::Leases};
use crate::{
    domain::{Call, Sink, backoff::backoff},
    store::{Delivery, Finish, Key, Letter, State, Store, sink_name},
};

/// What a sink answers; who decides stands beside the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `again`: when it is owed anew without news, for a URL that dies.
    Delivered {
        again: Option<Timestamp>,
    },
    /// Nothing is wrong, it is only too early.
    Wait {
        after: Duration,
    },
    /// `after`: none means by backoff.
    Retry {
        after: Option<Duration>,
        error: String,
    },
    /// This call waits for a person, and is probed after `after`.
    Park {
        after: Duration,
        error: String,
    },
    /// The whole sink waits for a person (a wrong key, no permission); one call probes it after `after`.
    Closed {
        after: Duration,
        error: String,
    },
    Dead {
        error: String,
    },
    /// Another process has taken it up; nothing is written.
    Elsewhere,
}

/// One call's try.
#[derive(Debug)]
pub struct Attempt {
    pub answer: Answer,
    /// What the sink wants to remember of this call.
    pub memo: Value,
    /// What it found out, for the inbox.
    pub found: Vec<Letter>,
    /// What is wrong with a delivery that succeeded, where nobody else is told.
    pub remark: Option<String>,
}

impl Attempt {
    pub fn new(answer: Answer, memo: &Value) -> Attempt {
        Attempt {
            answer,
            memo: memo.clone(),
            found: Vec::new(),
            remark: None,
        }
    }

    pub fn found(mut self, letters: impl IntoIterator<Item = Letter>) -> Attempt {
        self.found.extend(letters);
        self
    }
}

/// How long a step waits for a turn before it looks again whether this process still holds the lease or is to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// A delivery with its call as it is now.
#[derive(Debug, Clone)]
pub struct Due {
    pub delivery: Delivery,
    pub call: Call,
}

/// What a sink with turns says when its next one may be used.
pub struct Place {
    pub gather: Gather,
    pub line: Line,
}

/// What is worth a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Gather {
    #[default]
    Everything,
    /// Calls that have come to their end, and only when they fill a request or one is owed `since` then or longer.
    FullOfFinal { since: Timestamp },
}

/// Held by the one batch that goes next; let go when it asks for its turn, so that the batch after it is chosen then
/// and not before. `None` where there are no turns.
pub type Line = Option<OwnedSemaphorePermit>;

/// A place that calls are delivered to.
pub trait Deliverer: Send + Sync + 'static {
    fn sink(&self) -> Sink;
    /// Calls of one delivery.
    fn batch(&self) -> usize {
        1
    }
    /// Deliveries side by side.
    fn parallel(&self) -> usize;
    /// Waits for the sink's turn; what is sent is chosen then. `None`: it has no turns.
    fn ready(&self, _now: Timestamp) -> impl Future<Output = anyhow::Result<Option<Place>>> + Send {
        async { Ok(None) }
    }
    /// Sends; one attempt for each due, in the same order.
    fn deliver(
        &self,
        due: &[Due],
        line: Line,
        now: Timestamp,
    ) -> impl Future<Output = Vec<Attempt>> + Send;
}

pub struct Deliver<D> {
    deliverer: D,
    store: Store,
    clock: Clock,
    wake: Arc<Wake>,
    leases: Leases,
    tasks: TaskTracker,
    flying: Mutex<HashSet<Key>>,
    /// Held by the batch that reads its calls, and on to its end by one with a large call.
    loading: Arc<tokio::sync::Mutex<()>>,
    started: AtomicBool,
    /// What the database says, so that not every delivery asks it.
    is_closed: AtomicBool,
    /// The last try's end could not be written. Nothing is sent before that is possible again: it would be sent twice.
    unwritten: AtomicBool,
    told: told::Told,
}

impl<D: Deliverer> Deliver<D> {
    pub fn new(deliverer: D, store: Store, runner: &Runner) -> Self {
        Deliver {
            deliverer,
            store,
            clock: runner.clock,
            wake: runner.wake.clone(),
            leases: runner.leases.clone(),
            tasks: runner.tasks.clone(),
            flying: Mutex::default(),
            loading: Arc::default(),
            started: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            unwritten: AtomicBool::default(),
            told: told::Told::default(),
        }
    }

    async fn fly(self: Arc<Self>, batch: Vec<Delivery>, line: Line) {
        let keys: Vec<Key> = batch.iter().map(|delivery| delivery.key.clone()).collect();
        let sent = tokio::time::timeout(LONG_STEP_TIMEOUT, self.send(batch, line)).await;
        let lost = |_| {
            Err(anyhow::anyhow!(
                "it did not end; perhaps the database has gone silent"
            ))
        };
        if let Err(error) = sent.unwrap_or_else(lost) {
            let sink = sink_name(self.deliverer.sink());
            tracing::warn!(
                sink,
                error = format!("{error:#}"),
                "a delivery could not be ended; it is tried again"
            );
        }
        lock(&self.flying).retain(|key| !keys.contains(key));
        self.wake.sink(self.deliverer.sink()).notify_one();
    }

    async fn send(&self, batch: Vec<Delivery>, line: Line) -> anyhow::Result<()> {
        let (due, _large) = self.load(batch).await?;
        // Reading may have waited for the database, and another process may own the sink by now.
        if !self.leases.holds(sink_name(self.deliverer.sink())) {
            return Ok(());
        }
        let attempts = match self.try_to(&due, line).await {
            Some(attempts) => attempts,
            None => self.one_by_one(&due).await,
        };
        let ended = self.end(due.iter().zip(attempts)).await;
        self.unwritten.store(ended.is_err(), Ordering::Relaxed);
        ended
    }

    /// `None`: it panicked.
    async fn try_to(&self, due: &[Due], line: Line) -> Option<Vec<Attempt>> {
        let sending = AssertUnwindSafe(self.deliverer.deliver(due, line, (self.clock)()));
        sending.catch_unwind().await.ok()
    }

    /// After a panic: the call that causes it is set aside, and its neighbours go.
    async fn one_by_one(&self, due: &[Due]) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for one in due.chunks(1) {
            let alone = match due.len() {
                1 => None,
                _ => self.try_to(one, None).await,
            };
            attempts.extend(alone.unwrap_or_else(|| panicked(one)));
        }
        attempts
    }

    async fn end(&self, tries: impl Iterator<Item = (&Due, Attempt)>) -> anyhow::Result<()> {
        let now = (self.clock)();
        let mut ends = Vec::new();
        for (Due { delivery, .. }, attempt) in tries {
            self.open_or_close(&attempt.answer, now).await?;
            self.log(delivery, &attempt, now).await;
            ends.extend(ending(delivery, attempt, now).map(|finish| (delivery, finish)));
        }
        self.store.finish(&ends, now).await?;
        if ends.iter().any(|(_, finish)| !finish.found.is_empty()) {
            self.wake.intake.notify_one();
        }
        let sink = sink_name(self.deliverer.sink());
        for (_, finish) in &ends {
            metrics::counter!("livekit_airtable_deliveries_total", "sink" => sink, "state" => finish.state.as_str())
                .increment(1);
        }
        Ok(())
    }
}

impl<D: Deliverer> Job for Arc<Deliver<D>> {
    fn name(&self) -> &'static str {
        sink_name(self.deliverer.sink())
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(wake.sink(self.deliverer.sink()))
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        if self.unwritten.load(Ordering::Relaxed) {
            self.store.check(now).await?;
            self.unwritten.store(false, Ordering::Relaxed);
        }
        let mut claimed = self.claim(None, now).await?;
        if claimed.is_empty() {
            self.look_back(now).await?;
            return Ok(false);
        }
        let ready = tokio::time::timeout(PATIENCE, self.deliverer.ready(now)).await;
        let Ok(place) = ready else { return Ok(true) };
        let mut line = None;
        if let Some(place) = place? {
            claimed = self.claim(Some(&place), (self.clock)()).await?;
            line = place.line;
        }
        for batch in claimed.chunks(self.deliverer.batch()) {
            let keys = batch.iter().map(|delivery| delivery.key.clone());
            lock(&self.flying).extend(keys);
            let flight = self.clone().fly(batch.to_vec(), line.take());
            self.tasks.spawn(flight);
        }
        Ok(!claimed.is_empty())
    }
}

fn panicked(due: &[Due]) -> Vec<Attempt> {
    let answer = Answer::Dead {
        error: "this call could not be sent: a bug; redrive it after an update".into(),
    };
    due.iter()
        .map(|due| Attempt::new(answer.clone(), &due.delivery.memo))
        .collect()
}

/// `None`: nothing is written.
fn ending(delivery: &Delivery, attempt: Attempt, now: Timestamp) -> Option<Finish> {
    let failures = u32::try_from(delivery.attempts)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let (state, due_at, error) = match attempt.answer {
        Answer::Delivered { again } => (
            State::Done,
            again,
            attempt.remark.map(|remark| format!("delivered; {remark}")),
        ),
        Answer::Wait { after } => (State::Pending, Some(now + after), None),
        Answer::Retry { after, error } => {
            let wait = after.unwrap_or_else(|| backoff(failures, jitter(&delivery.key, now)));
            (State::Pending, Some(now + wait), Some(error))
        }
        Answer::Park { after, error } | Answer::Closed { after, error } => {
            (State::Parked, Some(now + after), Some(error))
        }
        Answer::Dead { error } => (State::Dead, None, Some(error)),
        Answer::Elsewhere => return None,
    };
    Some(Finish {
        state,
        due_at,
        error,
        memo: attempt.memo,
        found: attempt.found,
    })
}

/// Spreads retries; any number between 0 and 1 that differs from call to call will do.
fn jitter(key: &Key, now: Timestamp) -> f64 {
    let letters = key.call_id.bytes().map(u64::from).sum::<u64>();
    let mixed = letters.wrapping_mul(2_654_435_761) ^ now.as_microsecond().unsigned_abs();
    (mixed % 1000) as f64 / 1000.0
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
