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

use super::{Clock, Job, LONG_STEP, Runner, Wake, lease::Leases};
use crate::{
    domain::{Call, Sink, backoff::backoff},
    store::{Delivery, DeliveryKey, DeliveryState, Finish, InboxMessage, Store},
};

/// What a sink answers; who decides stands beside the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
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
    PauseSink {
        after: Duration,
        error: String,
    },
    Dead {
        error: String,
    },
    /// Another process has taken it up; nothing is written.
    Superseded,
}

/// One call's try.
#[derive(Debug)]
pub struct Attempt {
    pub outcome: Outcome,
    /// What the sink wants to remember of this call.
    pub sink_state: Value,
    /// What it found out, for the inbox.
    pub messages: Vec<InboxMessage>,
    /// What is wrong with a delivery that succeeded, where nobody else is told.
    pub warning: Option<String>,
}

impl Attempt {
    pub fn new(outcome: Outcome, sink_state: &Value) -> Attempt {
        Attempt {
            outcome,
            sink_state: sink_state.clone(),
            messages: Vec::new(),
            warning: None,
        }
    }

    pub fn with_messages(mut self, messages: impl IntoIterator<Item = InboxMessage>) -> Attempt {
        self.messages.extend(messages);
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
pub struct Slot {
    pub policy: BatchPolicy,
    pub permit: BatchPermit,
}

/// What is worth a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchPolicy {
    #[default]
    Everything,
    /// Calls that have come to their end, and only when they fill a request or one is owed `since` then or longer.
    FinalOnly { since: Timestamp },
}

/// Held by the one batch that goes next; let go when it asks for its turn, so that the batch after it is chosen then
/// and not before. `None` where there are no turns.
pub type BatchPermit = Option<OwnedSemaphorePermit>;

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
    fn ready(&self, _now: Timestamp) -> impl Future<Output = anyhow::Result<Option<Slot>>> + Send {
        async { Ok(None) }
    }
    /// Sends; one attempt for each due, in the same order.
    fn deliver(
        &self,
        due: &[Due],
        permit: BatchPermit,
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
    in_flight: Mutex<HashSet<DeliveryKey>>,
    /// Held by the batch that reads its calls, and on to its end by one with a large call.
    loading: Arc<tokio::sync::Mutex<()>>,
    started: AtomicBool,
    /// What the database says, so that not every delivery asks it.
    is_paused: AtomicBool,
    /// The last try's end could not be written. Nothing is sent before that is possible again: it would be sent twice.
    commit_failed: AtomicBool,
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
            in_flight: Mutex::default(),
            loading: Arc::default(),
            started: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            commit_failed: AtomicBool::default(),
            told: told::Told::default(),
        }
    }

    async fn dispatch(self: Arc<Self>, batch: Vec<Delivery>, permit: BatchPermit) {
        let keys: Vec<DeliveryKey> = batch.iter().map(|delivery| delivery.key.clone()).collect();
        let sent = tokio::time::timeout(LONG_STEP, self.send(batch, permit)).await;
        let lost = |_| {
            Err(anyhow::anyhow!(
                "it did not end; perhaps the database has gone silent"
            ))
        };
        if let Err(error) = sent.unwrap_or_else(lost) {
            let sink = self.deliverer.sink().as_str();
            tracing::warn!(
                sink,
                error = format!("{error:#}"),
                "a delivery could not be ended; it is tried again"
            );
        }
        lock(&self.in_flight).retain(|key| !keys.contains(key));
        self.wake.sink(self.deliverer.sink()).notify_one();
    }

    async fn send(&self, batch: Vec<Delivery>, permit: BatchPermit) -> anyhow::Result<()> {
        let (due, _large) = self.load(batch).await?;
        // Reading may have waited for the database, and another process may own the sink by now.
        if !self.leases.holds(self.deliverer.sink().as_str()) {
            return Ok(());
        }
        let attempts = match self.try_to(&due, permit).await {
            Some(attempts) => attempts,
            None => self.one_by_one(&due).await,
        };
        let ended = self.end(due.iter().zip(attempts)).await;
        self.commit_failed.store(ended.is_err(), Ordering::Relaxed);
        ended
    }

    /// `None`: it panicked.
    async fn try_to(&self, due: &[Due], permit: BatchPermit) -> Option<Vec<Attempt>> {
        let sending = AssertUnwindSafe(self.deliverer.deliver(due, permit, (self.clock)()));
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
            self.pause_or_resume(&attempt.outcome, now).await?;
            self.log(delivery, &attempt, now).await;
            ends.extend(ending(delivery, attempt, now).map(|finish| (delivery, finish)));
        }
        self.store.finish(&ends, now).await?;
        if ends.iter().any(|(_, finish)| !finish.messages.is_empty()) {
            self.wake.intake.notify_one();
        }
        let sink = self.deliverer.sink().as_str();
        for (_, finish) in &ends {
            metrics::counter!("livekit_airtable_deliveries_total", "sink" => sink, "state" => finish.state.as_str())
                .increment(1);
        }
        Ok(())
    }
}

impl<D: Deliverer> Job for Arc<Deliver<D>> {
    fn name(&self) -> &'static str {
        self.deliverer.sink().as_str()
    }

    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify {
        wake.sink(self.deliverer.sink())
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        if self.commit_failed.load(Ordering::Relaxed) {
            self.store.check(now).await?;
            self.commit_failed.store(false, Ordering::Relaxed);
        }
        let mut claimed = self.claim(None, now).await?;
        if claimed.is_empty() {
            self.look_back(now).await?;
            return Ok(false);
        }
        let ready = tokio::time::timeout(PATIENCE, self.deliverer.ready(now)).await;
        let Ok(slot) = ready else { return Ok(true) };
        let mut permit = None;
        if let Some(slot) = slot? {
            claimed = self.claim(Some(&slot), (self.clock)()).await?;
            permit = slot.permit;
        }
        for batch in claimed.chunks(self.deliverer.batch()) {
            let keys = batch.iter().map(|delivery| delivery.key.clone());
            lock(&self.in_flight).extend(keys);
            let flight = self.clone().dispatch(batch.to_vec(), permit.take());
            self.tasks.spawn(flight);
        }
        Ok(!claimed.is_empty())
    }
}

fn panicked(due: &[Due]) -> Vec<Attempt> {
    let outcome = Outcome::Dead {
        error: "this call could not be sent: a bug; redrive it after an update".into(),
    };
    due.iter()
        .map(|due| Attempt::new(outcome.clone(), &due.delivery.sink_state))
        .collect()
}

/// `None`: nothing is written.
fn ending(delivery: &Delivery, attempt: Attempt, now: Timestamp) -> Option<Finish> {
    let failures = u32::try_from(delivery.attempts)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let (state, due_at, error) = match attempt.outcome {
        Outcome::Delivered { again } => (
            DeliveryState::Done,
            again,
            attempt
                .warning
                .map(|warning| format!("delivered; {warning}")),
        ),
        Outcome::Wait { after } => (DeliveryState::Pending, Some(now + after), None),
        Outcome::Retry { after, error } => {
            let wait = after.unwrap_or_else(|| backoff(failures, jitter(&delivery.key, now)));
            (DeliveryState::Pending, Some(now + wait), Some(error))
        }
        Outcome::Park { after, error } | Outcome::PauseSink { after, error } => {
            (DeliveryState::Parked, Some(now + after), Some(error))
        }
        Outcome::Dead { error } => (DeliveryState::Dead, None, Some(error)),
        Outcome::Superseded => return None,
    };
    Some(Finish {
        state,
        due_at,
        error,
        sink_state: attempt.sink_state,
        messages: attempt.messages,
    })
}

/// Spreads retries; any number between 0 and 1 that differs from call to call will do.
fn jitter(key: &DeliveryKey, now: Timestamp) -> f64 {
    let messages = key.call_id.bytes().map(u64::from).sum::<u64>();
    let mixed = messages.wrapping_mul(2_654_435_761) ^ now.as_microsecond().unsigned_abs();
    (mixed % 1000) as f64 / 1000.0
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
