//! DELIVERY to the outside world: finds what is due, lets the sink send the state of now, and ends the try.

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
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{Clock, Job, Wake};
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
}

/// One call's try.
#[derive(Debug)]
pub struct Attempt {
    pub answer: Answer,
    /// What the sink wants to remember of this call.
    pub memo: Value,
    /// What it found out, for the inbox.
    pub found: Vec<Letter>,
}

impl Attempt {
    pub fn new(answer: Answer, memo: &Value) -> Attempt {
        Attempt {
            answer,
            memo: memo.clone(),
            found: Vec::new(),
        }
    }

    pub fn found(mut self, letters: impl IntoIterator<Item = Letter>) -> Attempt {
        self.found.extend(letters);
        self
    }
}

/// A delivery with its call as it is now.
#[derive(Debug, Clone)]
pub struct Due {
    pub delivery: Delivery,
    pub call: Call,
}

/// A place that calls are delivered to.
pub trait Deliverer: Send + Sync + 'static {
    fn sink(&self) -> Sink;
    /// Calls of one delivery.
    fn batch(&self) -> usize {
        1
    }
    /// Deliveries side by side.
    fn parallel(&self) -> usize;
    /// Waits until the sink may be used. True: time has passed, and what is sent is chosen anew.
    fn ready(&self) -> impl Future<Output = bool> + Send {
        async { false }
    }
    /// Sends; one attempt for each due, in the same order.
    fn deliver(&self, due: &[Due], now: Timestamp) -> impl Future<Output = Vec<Attempt>> + Send;
}

pub struct Deliver<D> {
    deliverer: D,
    store: Store,
    clock: Clock,
    wake: Arc<Wake>,
    tasks: TaskTracker,
    flying: Mutex<HashSet<Key>>,
    closed: Mutex<Option<Closed>>,
    /// The last try's end could not be written. Nothing is sent before that is possible again: it would be sent twice.
    unwritten: AtomicBool,
}

/// The sink waits for a person.
#[derive(Clone)]
struct Closed {
    /// When to probe.
    until: Timestamp,
    /// The last call for a probe that was heeded: another one means now.
    called: Option<String>,
}

impl<D: Deliverer> Deliver<D> {
    pub fn new(
        deliverer: D,
        store: Store,
        clock: Clock,
        wake: Arc<Wake>,
        tasks: TaskTracker,
    ) -> Self {
        Deliver {
            deliverer,
            store,
            clock,
            wake,
            tasks,
            flying: Mutex::default(),
            closed: Mutex::default(),
            unwritten: AtomicBool::default(),
        }
    }

    /// Due deliveries that are not on their way, at most what there is room for; one while the sink is closed.
    async fn claim(&self, now: Timestamp) -> anyhow::Result<Vec<Delivery>> {
        let flying = lock(&self.flying).clone();
        let closed = lock(&self.closed).clone();
        let room =
            (self.deliverer.parallel() * self.deliverer.batch()).saturating_sub(flying.len());
        let room = match closed {
            Some(_) if !flying.is_empty() => 0,
            Some(closed) if closed.until > now && !self.is_called(&closed, now).await? => 0,
            Some(_) => 1,
            None => room,
        };
        if room == 0 {
            return Ok(Vec::new());
        }
        let limit = (room + flying.len()) as i64;
        let mut due = self.store.due(self.deliverer.sink(), now, limit).await?;
        due.retain(|delivery| !flying.contains(&delivery.key));
        due.truncate(room);
        Ok(due)
    }

    /// Whether somebody redrove what waits for this sink since it closed; then it is time to probe.
    async fn is_called(&self, closed: &Closed, now: Timestamp) -> anyhow::Result<bool> {
        let called = self.store.probe_call(self.deliverer.sink()).await?;
        if called == closed.called {
            return Ok(false);
        }
        let until = now;
        *lock(&self.closed) = Some(Closed { until, called });
        Ok(true)
    }

    async fn fly(self: Arc<Self>, batch: Vec<Delivery>) {
        let keys: Vec<Key> = batch.iter().map(|delivery| delivery.key.clone()).collect();
        if let Err(error) = self.send(batch).await {
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

    async fn send(&self, batch: Vec<Delivery>) -> anyhow::Result<()> {
        let mut due = Vec::new();
        for delivery in batch {
            if let Some(row) = self.store.call(&delivery.key.call_id).await? {
                // The call's own revision: what is sent is the state of now.
                let revision = match delivery.key.sink {
                    Sink::Mirror => delivery.revision,
                    _ => row.revision,
                };
                let delivery = Delivery {
                    revision,
                    ..delivery
                };
                let call = row.call;
                due.push(Due { delivery, call });
            }
        }
        let attempts = match self.try_to(&due).await {
            Some(attempts) => attempts,
            None => self.one_by_one(&due).await,
        };
        for (due, attempt) in due.iter().zip(attempts) {
            let ended = self.end(due, attempt).await;
            self.unwritten.store(ended.is_err(), Ordering::Relaxed);
            ended?;
        }
        Ok(())
    }

    /// `None`: it panicked.
    async fn try_to(&self, due: &[Due]) -> Option<Vec<Attempt>> {
        let sending = AssertUnwindSafe(self.deliverer.deliver(due, (self.clock)()));
        sending.catch_unwind().await.ok()
    }

    /// After a panic: the call that causes it is set aside, and its neighbours go.
    async fn one_by_one(&self, due: &[Due]) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for one in due.chunks(1) {
            let alone = match due.len() {
                1 => None,
                _ => self.try_to(one).await,
            };
            attempts.extend(alone.unwrap_or_else(|| panicked(one)));
        }
        attempts
    }

    async fn end(&self, due: &Due, attempt: Attempt) -> anyhow::Result<()> {
        let now = (self.clock)();
        let sink = self.deliverer.sink();
        self.open_or_close(&attempt.answer, now).await?;
        log(&due.delivery, &attempt.answer);
        let found = !attempt.found.is_empty();
        let (state, due_at, error) = ending(&due.delivery, attempt.answer, now);
        let finish = Finish {
            state,
            due_at,
            error,
            memo: attempt.memo,
            found: attempt.found,
        };
        self.store.finish(&due.delivery, &finish, now).await?;
        if found {
            self.wake.intake.notify_one();
        }
        metrics::counter!("livekit_airtable_deliveries_total", "sink" => sink_name(sink), "state" => state.as_str())
            .increment(1);
        Ok(())
    }

    /// A closed sink opens with the first delivery that gets an answer of another kind.
    async fn open_or_close(&self, answer: &Answer, now: Timestamp) -> anyhow::Result<()> {
        let sink = self.deliverer.sink();
        match answer {
            Answer::Closed { after, error } => {
                let called = self.store.probe_call(sink).await?;
                let until = now + *after;
                let before = lock(&self.closed).take();
                let called = before
                    .as_ref()
                    .map_or(called, |before| before.called.clone());
                *lock(&self.closed) = Some(Closed { until, called });
                if before.is_none() {
                    tracing::error!(sink = sink_name(sink), %error, "nothing is sent until this is mended; everything is kept");
                }
            }
            Answer::Retry { .. } | Answer::Wait { .. } => {}
            _ => {
                let before = lock(&self.closed).take();
                if before.is_some() {
                    tracing::info!(
                        sink = sink_name(sink),
                        "it works again; what waited is sent now"
                    );
                    self.store.unpark(sink, now).await?;
                }
            }
        }
        Ok(())
    }
}

impl<D: Deliverer> Job for Arc<Deliver<D>> {
    fn name(&self) -> &'static str {
        sink_name(self.deliverer.sink())
    }

    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify {
        wake.sink(self.deliverer.sink())
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        if self.unwritten.load(Ordering::Relaxed) {
            self.store.check(now).await?;
            self.unwritten.store(false, Ordering::Relaxed);
        }
        let mut claimed = self.claim(now).await?;
        if claimed.is_empty() {
            return Ok(false);
        }
        if self.deliverer.ready().await {
            claimed = self.claim((self.clock)()).await?;
        }
        for batch in claimed.chunks(self.deliverer.batch()) {
            let keys = batch.iter().map(|delivery| delivery.key.clone());
            lock(&self.flying).extend(keys);
            self.tasks.spawn(self.clone().fly(batch.to_vec()));
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

fn ending(
    delivery: &Delivery,
    answer: Answer,
    now: Timestamp,
) -> (State, Option<Timestamp>, Option<String>) {
    let failures = u32::try_from(delivery.attempts)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    match answer {
        Answer::Delivered { again } => (State::Done, again, None),
        Answer::Wait { after } => (State::Pending, Some(now + after), None),
        Answer::Retry { after, error } => {
            let wait = after.unwrap_or_else(|| backoff(failures, jitter(&delivery.key, now)));
            (State::Pending, Some(now + wait), Some(error))
        }
        Answer::Park { after, error } | Answer::Closed { after, error } => {
            (State::Parked, Some(now + after), Some(error))
        }
        Answer::Dead { error } => (State::Dead, None, Some(error)),
    }
}

/// Spreads retries; any number between 0 and 1 that differs from call to call will do.
fn jitter(key: &Key, now: Timestamp) -> f64 {
    let letters = key.call_id.bytes().map(u64::from).sum::<u64>();
    let mixed = letters.wrapping_mul(2_654_435_761) ^ now.as_microsecond().unsigned_abs();
    (mixed % 1000) as f64 / 1000.0
}

fn log(delivery: &Delivery, answer: &Answer) {
    let (sink, call) = (sink_name(delivery.key.sink), &delivery.key.call_id);
    match answer {
        Answer::Delivered { .. } => tracing::debug!(sink, call, "delivered"),
        Answer::Wait { .. } => tracing::debug!(sink, call, "too early"),
        Answer::Retry { error, .. } => {
            tracing::warn!(sink, call, %error, "not delivered; it is tried again")
        }
        Answer::Park { error, .. } => tracing::warn!(sink, call, %error, "it waits for a person"),
        Answer::Dead { error } => {
            tracing::error!(sink, call, %error, "it cannot be delivered; it is kept")
        }
        // Told once for the whole sink.
        Answer::Closed { .. } => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
