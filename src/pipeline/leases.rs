//! One owner per job. With PostgreSQL, every replica serves HTTP and one at a time runs each job.
//!
//! No wall clock decides: the owner counts up a number, and a process that sees it unchanged for [`LIFE`] on its own
//! monotonic clock takes over. The owner stops before that by its own monotonic clock, whether or not the database
//! answers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Clock;
use crate::{
    store::{Error, Lease, Store},
    telemetry::LogThrottle,
};

/// How long a lease lasts without renewal: the time to take over after a kill.
const LIFE: Duration = Duration::from_secs(10);
/// How long before the end of its lease an owner starts nothing new.
const MARGIN: Duration = Duration::from_secs(3);
const RENEWAL: Duration = Duration::from_secs(3);
/// How often a process that waits for a lease checks it: the time to take over after a SIGTERM.
const LOOK: Duration = Duration::from_secs(1);

/// The leases of this process.
#[derive(Clone)]
pub struct Leases {
    owner: Arc<str>,
    jobs: Arc<Mutex<BTreeMap<&'static str, Hold>>>,
    /// The last renewal failed.
    failing: Arc<AtomicBool>,
    failures: Arc<LogThrottle>,
    /// No other process exists, and this one holds all leases.
    is_alone: bool,
}

#[derive(Default)]
struct Hold {
    /// Until when this process holds the lease; `None` while another one does.
    until: Option<Instant>,
    /// Another process's lease, and since when its beat has not changed.
    seen: Option<(Lease, Instant)>,
}

impl Default for Leases {
    fn default() -> Leases {
        Leases {
            owner: Uuid::now_v7().to_string().into(),
            jobs: Arc::default(),
            failing: Arc::default(),
            failures: Arc::default(),
            is_alone: false,
        }
    }
}

impl Leases {
    /// For callers that know that no other process exists: holds all leases without asking the database.
    pub fn alone() -> Leases {
        Leases {
            is_alone: true,
            ..Leases::default()
        }
    }

    /// Whether the last renewal failed: this process then runs no jobs.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// This process runs the job when its lease is free.
    pub fn want(&self, job: &'static str) {
        self.lock().entry(job).or_default();
    }

    /// Whether the lease is ours, by this process' stopwatch.
    pub fn holds(&self, job: &str) -> bool {
        let jobs = self.lock();
        let until = jobs.get(job).and_then(|hold| hold.until);
        self.is_alone || until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes and renews the leases of all jobs until `stop` is cancelled.
    pub async fn keep(&self, store: &Store, clock: Clock, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let all = self.renew(store, clock).await;
            let rest = tokio::time::sleep(if all { RENEWAL } else { LOOK });
            stop.run_until_cancelled(rest).await;
        }
    }

    /// Renews our leases and takes those that are free or whose owner is dead; returns whether all are ours.
    pub async fn renew(&self, store: &Store, clock: Clock) -> bool {
        // A slower renewal comes too late; without a timeout, a dead connection would be waited for forever.
        let renewing = tokio::time::timeout(LIFE, self.try_renew(store, clock)).await;
        let renewed = renewing.unwrap_or_else(|_| Err(Error::timed_out()));
        self.failing.store(renewed.is_err(), Ordering::Relaxed);
        match renewed {
            Ok(all) => {
                if self.failures.should_log_recovery().is_some() {
                    tracing::info!("the leases can be renewed again");
                }
                all
            }
            // A database that cannot be written grants no leases; ours expire.
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                if let Some(suppressed) = self.failures.should_log(&error) {
                    tracing::warn!(
                        error,
                        suppressed,
                        "the leases could not be renewed; no job runs until they can be"
                    );
                }
                false
            }
        }
    }

    async fn try_renew(&self, store: &Store, clock: Clock) -> Result<bool, Error> {
        let asked_at = Instant::now();
        let mut ours = store.renew_leases(&self.owner, clock() + LIFE).await?;
        if self.note(&ours, asked_at) {
            return Ok(true);
        }
        let missing = self.missing();
        store
            .take_free_leases(&missing, &self.owner, clock() + LIFE)
            .await?;
        for lease in store.leases().await? {
            let mine = *lease.owner == *self.owner;
            if mine || self.is_dead(&lease) && self.take_over(store, &lease, clock).await? {
                ours.push(lease.job);
            }
        }
        Ok(self.note(&ours, asked_at))
    }

    async fn take_over(&self, store: &Store, dead: &Lease, clock: Clock) -> Result<bool, Error> {
        let taken = store
            .take_over_lease(dead, &self.owner, clock() + LIFE)
            .await?;
        if taken {
            tracing::info!(
                job = dead.job,
                "took over the lease of a process that stopped renewing it"
            );
        }
        Ok(taken)
    }

    /// Records which leases were ours when the database was asked; returns whether all were.
    fn note(&self, ours: &[String], asked_at: Instant) -> bool {
        let mut jobs = self.lock();
        for (job, hold) in jobs.iter_mut() {
            let mine = ours.iter().any(|held| held == job);
            hold.until = mine.then_some(asked_at + LIFE - MARGIN);
        }
        jobs.values().all(|hold| hold.until.is_some())
    }

    fn missing(&self) -> Vec<&'static str> {
        let jobs = self.lock();
        let missing = jobs.iter().filter(|(_, hold)| hold.until.is_none());
        missing.map(|(job, _)| *job).collect()
    }

    /// Whether this lease has not changed for so much time that its owner must be dead.
    fn is_dead(&self, lease: &Lease) -> bool {
        let mut jobs = self.lock();
        let Some(hold) = jobs.get_mut(lease.job.as_str()) else {
            return false;
        };
        match &hold.seen {
            Some((seen, since)) if seen == lease => since.elapsed() >= LIFE,
            _ => {
                hold.seen = Some((lease.clone(), Instant::now()));
                false
            }
        }
    }

    /// Releases all leases, so that another process takes over at once.
    pub async fn release(&self, store: &Store) {
        if let Err(error) = store.release(&self.owner).await {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(error, "leases could not be released; they expire in 10 s");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Hold>> {
        self.jobs
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}
