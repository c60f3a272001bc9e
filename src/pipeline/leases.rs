//! One owner per job that needs one, and one lease per process. With PostgreSQL, every replica serves HTTP and shares most
//! jobs: what it takes row by row is its own while its process's lease lasts. A job with one budget runs in one of them.
//!
//! No wall clock decides: the owner counts up a number, and a process that sees it unchanged for [`Times::life`] on its own
//! monotonic clock takes over. The owner stops before that by its own monotonic clock, whether or not the database
//! answers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Clock, lease_times::Times, observed_leases::ObservedLeases};
use crate::{
    store::{Error, Lease, Store},
    telemetry::LogThrottle,
};

/// The leases of this process.
#[derive(Clone, Default)]
pub struct Leases {
    held: Arc<Mutex<Held>>,
    observed: Arc<Mutex<ObservedLeases>>,
    /// The last renewal failed.
    failing: Arc<AtomicBool>,
    failures: Arc<LogThrottle>,
    /// No other process exists, and this one holds all leases.
    is_alone: bool,
}

/// Until when this process holds what; `None` while another one does.
#[derive(Default)]
struct Held {
    process: Option<Instant>,
    jobs: BTreeMap<&'static str, Option<Instant>>,
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
        lock(&self.held).jobs.entry(job).or_default();
    }

    /// Whether the lease is ours, by this process' stopwatch.
    pub fn holds(&self, job: &str) -> bool {
        let until = lock(&self.held).jobs.get(job).copied().flatten();
        self.is_alone || until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether other processes know, by this process' stopwatch, that this one is alive: what it has claimed is its own.
    pub fn is_alive(&self) -> bool {
        let until = lock(&self.held).process;
        self.is_alone || until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether another process shares the work, as the database said last.
    pub fn has_peers(&self) -> bool {
        lock(&self.observed).has_processes()
    }

    /// Takes and renews the leases of this process and of all jobs until `stop` is cancelled.
    pub async fn keep(&self, store: &Store, clock: Clock, stop: &CancellationToken) {
        let times = Times::of(store);
        while !stop.is_cancelled() {
            let all = self.renew(store, clock).await;
            let rest = tokio::time::sleep(if all { times.renewal } else { times.look });
            stop.run_until_cancelled(rest).await;
        }
    }

    /// Renews our leases and takes those that are free or whose owner is dead; returns whether all are ours.
    pub async fn renew(&self, store: &Store, clock: Clock) -> bool {
        // A slower renewal comes too late; without a timeout, a dead connection would be waited for forever.
        let limit = Times::of(store).attempt;
        let renewing = tokio::time::timeout(limit, self.try_renew(store, clock)).await;
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
        let (asked_at, times) = (Instant::now(), Times::of(store));
        let (process, until) = (store.process(), clock() + times.life);
        let mut ours = store.renew_leases(process, until).await?;
        let missing = self.missing(process, &ours);
        // On SQLite there is no other process whose end must be found out.
        if missing.is_empty() && !store.is_shared() {
            return Ok(self.note(process, &ours, asked_at + times.held()));
        }
        store.take_free_leases(&missing, process, until).await?;
        let leases = store.leases().await?;
        for dead in self.dead(process, &leases, times) {
            if dead.is_of_process() {
                if store.end_lease(&dead).await? {
                    tracing::info!(
                        "another process stopped renewing its lease; its claims are free"
                    );
                }
            } else if missing.contains(&dead.job.as_str()) {
                let taken = store.take_over_lease(&dead, process, until).await?;
                if taken {
                    tracing::info!(
                        job = dead.job,
                        "took over the lease of a process that stopped renewing it"
                    );
                    ours.push(dead.job);
                }
            }
        }
        let mine = leases.into_iter().filter(|lease| lease.owner == process);
        ours.extend(mine.map(|lease| lease.job));
        Ok(self.note(process, &ours, asked_at + times.held()))
    }

    /// Leases of others that have not changed for so much time that their owner must be dead.
    fn dead(&self, process: &str, leases: &[Lease], times: Times) -> Vec<Lease> {
        let others = leases.iter().filter(|lease| lease.owner != process);
        let others: Vec<Lease> = others.cloned().collect();
        lock(&self.observed).look(&others, times)
    }

    /// Records until when the leases are ours that were so when the database was asked; returns whether all were.
    fn note(&self, process: &str, ours: &[String], until: Instant) -> bool {
        let mut held = lock(&self.held);
        let mine = |job: &str| ours.iter().any(|held| held == job).then_some(until);
        held.process = mine(process);
        for (job, hold) in &mut held.jobs {
            *hold = mine(job);
        }
        held.process.is_some() && held.jobs.values().all(Option::is_some)
    }

    /// The leases that this process wants and does not have.
    fn missing<'a>(&self, process: &'a str, ours: &[String]) -> Vec<&'a str> {
        let held = lock(&self.held);
        let wanted = held.jobs.keys().copied().chain([process]);
        wanted
            .filter(|job| !ours.iter().any(|held| held == job))
            .collect()
    }

    /// Releases all leases, so that another process takes over at once.
    pub async fn release(&self, store: &Store) {
        if let Err(error) = store.release(store.process()).await {
            let error = format!("{:#}", anyhow::Error::from(error));
            let seconds = Times::of(store).life.as_secs_f64();
            tracing::warn!(
                error,
                "leases could not be released; they expire in {seconds} s"
            );
        }
    }
}

/// Locks it also after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
