//! One owner per job. With PostgreSQL every replica serves HTTP and one at a time runs each job.
//!
//! No clock decides: the owner counts a number up, and who sees it stand still for [`LIFE`] on its own stopwatch takes
//! over. The owner stops by its stopwatch before that, whether or not the database answers.

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

/// How long a lease lasts without being renewed: the hand-over after a kill.
const LIFE: Duration = Duration::from_secs(10);
/// How long before the end of its lease an owner begins nothing any more.
const MARGIN: Duration = Duration::from_secs(3);
const RENEWAL: Duration = Duration::from_secs(3);
/// How often who waits for a lease looks: the hand-over after a SIGTERM.
const LOOK: Duration = Duration::from_secs(1);

/// The leases of this process.
#[derive(Clone)]
pub struct Leases {
    owner: Arc<str>,
    jobs: Arc<Mutex<BTreeMap<&'static str, Hold>>>,
    /// The database did not answer the last time.
    failing: Arc<AtomicBool>,
    failures: Arc<LogThrottle>,
    /// Nobody else is there, and everything is held.
    is_alone: bool,
}

#[derive(Default)]
struct Hold {
    /// Until when the lease is ours; `None` while it is somebody else's.
    until: Option<Instant>,
    /// Somebody else's lease, and since when its beat has been standing still.
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
    /// For whoever knows that no other process is there: it holds everything, and the database is not asked.
    pub fn alone() -> Leases {
        Leases {
            is_alone: true,
            ..Leases::default()
        }
    }

    /// The database did not let this process renew its leases the last time: no job goes on in it.
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

    /// Renews what is ours and takes what is free, or has been left by the dead; whether all are ours.
    pub async fn renew(&self, store: &Store, clock: Clock) -> bool {
        // What takes longer has lost them; a connection that has gone silent would be waited for for ever.
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
            // A database that cannot be written gives nobody a lease; ours end by themselves.
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
        let asked = Instant::now();
        let mut ours = store.renew_leases(&self.owner, clock() + LIFE).await?;
        if self.note(&ours, asked) {
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
        Ok(self.note(&ours, asked))
    }

    async fn take_over(&self, store: &Store, dead: &Lease, clock: Clock) -> Result<bool, Error> {
        let taken = store
            .take_over_lease(dead, &self.owner, clock() + LIFE)
            .await?;
        if taken {
            tracing::info!(
                job = dead.job,
                "its owner is gone; it goes on in this process"
            );
        }
        Ok(taken)
    }

    /// Notes which leases were ours when the database was asked; whether all were.
    fn note(&self, ours: &[String], asked: Instant) -> bool {
        let mut jobs = self.lock();
        for (job, hold) in jobs.iter_mut() {
            let mine = ours.iter().any(|held| held == job);
            hold.until = mine.then_some(asked + LIFE - MARGIN);
        }
        jobs.values().all(|hold| hold.until.is_some())
    }

    fn missing(&self) -> Vec<&'static str> {
        let jobs = self.lock();
        let missing = jobs.iter().filter(|(_, hold)| hold.until.is_none());
        missing.map(|(job, _)| *job).collect()
    }

    /// Whether this lease of a job of ours has not changed for so long that its owner must be dead.
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

    /// Gives all leases back, so that another process goes on at once.
    pub async fn release(&self, store: &Store) {
        if let Err(error) = store.release(&self.owner).await {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(
                error,
                "the leases could not be given back; they end by themselves in 10 s"
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Hold>> {
        self.jobs
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}
