//! The job of a sink: finds what is due and starts its batches.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{deliverer::Deliverer, failure_log::FailureLog, reach::Reach};
use crate::{
    pipeline::{Clock, Job, Runner, RunsIn, Wake, leases::Leases},
    store::{DeliveryKey, Store},
};

/// How long a step waits for a permit before it checks again whether this process still holds the lease or is stopping.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// Delivers due calls to one sink.
pub struct Deliver<D> {
    pub(super) deliverer: D,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) wake: Arc<Wake>,
    pub(super) leases: Leases,
    pub(super) tasks: TaskTracker,
    pub(super) in_flight: Mutex<HashSet<DeliveryKey>>,
    /// Claims that led to no attempt, or whose outcome could not be stored: given back before anything else is claimed.
    pub(super) unfinished: Mutex<Vec<DeliveryKey>>,
    pub(super) reach: Reach,
    /// Held by the batch that reads its calls; a batch with a large call holds it to its end.
    pub(super) loading: Arc<tokio::sync::Mutex<()>>,
    pub(super) started: AtomicBool,
    /// Whether the sink is paused, as the database said last: not every delivery asks it.
    pub(super) is_paused: AtomicBool,
    /// The end of the last try could not be written. Nothing is sent until writing is possible again: it would be sent
    /// twice.
    pub(super) commit_failed: AtomicBool,
    pub(super) failures: FailureLog,
}

impl<D: Deliverer> Deliver<D> {
    /// Its job runs in `runner`.
    pub fn new(deliverer: D, store: Store, runner: &Runner) -> Self {
        Deliver {
            deliverer,
            store,
            clock: runner.clock,
            wake: runner.wake.clone(),
            leases: runner.leases.clone(),
            tasks: runner.tasks.clone(),
            in_flight: Mutex::default(),
            unfinished: Mutex::default(),
            reach: Reach::default(),
            loading: Arc::default(),
            started: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            commit_failed: AtomicBool::default(),
            failures: FailureLog::default(),
        }
    }
}

impl<D: Deliverer> Job for Arc<Deliver<D>> {
    fn name(&self) -> &'static str {
        self.deliverer.sink().as_str()
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(wake.sink(self.deliverer.sink()))
    }

    fn runs_in(&self) -> RunsIn {
        match self.deliverer.sink().has_owner() {
            true => RunsIn::Owner,
            false => RunsIn::Replicas,
        }
    }

    fn every(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        if self.commit_failed.load(Ordering::Relaxed) {
            self.store.check(now).await?;
            self.commit_failed.store(false, Ordering::Relaxed);
        }
        self.release_unfinished().await?;
        if self.deliverer.gives_way() && self.wake.backlog.goes_first(Instant::now()) {
            return Ok(false);
        }
        let mut claimed = self.claim(None, now).await?;
        if claimed.is_empty() {
            self.log_recovery(now).await?;
            return Ok(false);
        }
        let ready = tokio::time::timeout(TURN_TIMEOUT, self.deliverer.ready(now)).await;
        let Ok(slot) = ready else { return Ok(true) };
        let mut permit = None;
        if let Some(slot) = slot? {
            claimed = self.claim(Some(&slot), (self.clock)()).await?;
            permit = slot.permit;
        }
        for batch in claimed.chunks(self.deliverer.batch()) {
            let keys = batch.iter().map(|delivery| delivery.key.clone());
            lock(&self.in_flight).extend(keys);
            let dispatched = self.clone().dispatch(batch.to_vec(), permit.take());
            self.tasks.spawn(dispatched);
        }
        Ok(!claimed.is_empty())
    }
}

impl<D: Deliverer> Deliver<D> {
    /// Whether this process may send: it owns the sink, or its claims are its own.
    pub(super) fn may_send(&self) -> bool {
        let sink = self.deliverer.sink();
        match sink.has_owner() {
            true => self.leases.holds(sink.as_str()),
            false => self.leases.is_alive(),
        }
    }

    async fn release_unfinished(&self) -> anyhow::Result<()> {
        let keys = lock(&self.unfinished).clone();
        if !keys.is_empty() {
            self.store.release_claims(&keys).await?;
            lock(&self.unfinished).retain(|key| !keys.contains(key));
        }
        Ok(())
    }
}

/// Locks it also after a panic elsewhere.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
