//! The only place where store, domain and adapters meet. Jobs take no input and have one code path: a wake carries no
//! data, and the periodic scan alone would be correct.

pub mod backfill;
pub mod budget;
pub mod clock_regression;
pub mod deliver;
pub mod intake;
pub mod lease;
mod message;
pub mod rebuild;
pub mod reconcile;
pub mod requests;
pub mod retention;
pub mod sinks;
pub mod watch;

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    domain::{Sink, backoff::backoff},
    telemetry::LogThrottle,
};

/// The longest that a job rests after it could not read or write our database.
const DATABASE_RETRY: Duration = Duration::from_secs(5);

/// How long a step may take that asks nobody but our database: a connection that has gone silent would be waited for
/// for ever.
const STEP: Duration = Duration::from_secs(120);
/// The same where each request to others may take its 30 s, too.
const LONG_STEP: Duration = Duration::from_secs(900);

/// Gives the time; one of the two edges where the clock is read.
pub type Clock = fn() -> Timestamp;

/// A unit of work that is repeated for ever.
pub trait Job: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    /// What wakes it before its time.
    fn bell<'a>(&self, wake: &'a Wake) -> &'a Notify;
    /// Whether one process at a time runs it; else each does.
    fn is_leased(&self) -> bool {
        true
    }
    /// How long it rests when nobody wakes it.
    fn every(&self) -> Duration;
    /// How long a step is waited for.
    fn patience(&self) -> Duration {
        STEP
    }
    /// Does what is to do. True: there is more.
    fn step(&self, now: Timestamp) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// Wakes; they only make things sooner.
#[derive(Default)]
pub struct Wake {
    pub intake: Notify,
    pub reconcile: Notify,
    egress: Notify,
    storage: Notify,
    airtable: Notify,
    mirror: Notify,
    /// For jobs that only time wakes; never rung.
    nobody: Notify,
    /// Rung for everybody who waits when calls have changed.
    pub folded: Notify,
}

impl Wake {
    pub fn sink(&self, sink: Sink) -> &Notify {
        match sink {
            Sink::Egress => &self.egress,
            Sink::Storage => &self.storage,
            Sink::Airtable => &self.airtable,
            Sink::Mirror => &self.mirror,
        }
    }
}

/// Whether the jobs live, and what each last failed with; for `/readyz`.
#[derive(Clone, Default)]
pub struct JobStatus(Arc<Mutex<BTreeMap<&'static str, JobState>>>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    Running,
    /// Another process runs it.
    Elsewhere,
    /// No process runs it as far as this one knows: the database gives nobody a lease.
    Unleased,
    /// Its last step failed; it goes on.
    Failing(String),
    Dead,
}

impl JobStatus {
    fn set(&self, job: &'static str, state: JobState) {
        let mut states = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        states.insert(job, state);
    }

    pub fn all(&self) -> BTreeMap<&'static str, JobState> {
        let states = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        states.clone()
    }
}

/// What every job runs in.
#[derive(Clone)]
pub struct Runner {
    pub clock: Clock,
    pub wake: Arc<Wake>,
    pub status: JobStatus,
    pub leases: lease::Leases,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
}

impl Runner {
    pub fn new(clock: Clock) -> Runner {
        Runner {
            clock,
            wake: Arc::default(),
            status: JobStatus::default(),
            leases: lease::Leases::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts a job; it ends when `stop` is cancelled.
    pub fn spawn<J: Job>(&self, job: Arc<J>) {
        let runner = self.clone();
        let name = job.name();
        runner.status.set(name, JobState::Running);
        self.leases.want(name);
        let task = async move {
            runner.run(&*job).await;
            if !runner.stop.is_cancelled() {
                runner.status.set(name, JobState::Dead);
            }
        };
        self.tasks.spawn(task);
    }

    async fn run<J: Job>(&self, job: &J) {
        let mut failures = Failures::default();
        while !self.stop.is_cancelled() {
            let rest = if !job.is_leased() || self.leases.holds(job.name()) {
                self.step(job, &mut failures).await
            } else {
                self.status.set(job.name(), self.unheld());
                Duration::from_millis(100)
            };
            if rest.is_zero() {
                continue;
            }
            tokio::select! {
                () = job.bell(&self.wake).notified() => {}
                () = tokio::time::sleep(rest) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// The state of a job whose lease is not ours.
    fn unheld(&self) -> JobState {
        match self.leases.is_failing() {
            true => JobState::Unleased,
            false => JobState::Elsewhere,
        }
    }

    /// One step; how long to rest after it. A panic is a failed step like any other.
    async fn step<J: Job>(&self, job: &J, failures: &mut Failures) -> Duration {
        let step = AssertUnwindSafe(job.step((self.clock)())).catch_unwind();
        let Ok(step) = tokio::time::timeout(job.patience(), step).await else {
            let error = "it did not end; perhaps the database has gone silent";
            return self.failed(job, error, failures);
        };
        match step {
            Ok(Ok(more)) => {
                self.status.set(job.name(), JobState::Running);
                failures.in_a_row = 0;
                if failures.log.should_log_recovery().is_some() {
                    tracing::info!(job = job.name(), "the job succeeds again");
                }
                if more { Duration::ZERO } else { job.every() }
            }
            Ok(Err(error)) => self.failed(job, &format!("{error:#}"), failures),
            Err(_panic) => self.failed(job, "it panicked; this is a bug", failures),
        }
    }

    /// Logged now and then; `/readyz` has it as long as it lasts.
    fn failed<J: Job>(&self, job: &J, error: &str, failures: &mut Failures) -> Duration {
        let state = JobState::Failing(error.to_owned());
        if let Some(suppressed) = failures.log.should_log(error) {
            tracing::warn!(
                job = job.name(),
                error,
                suppressed,
                "a step of the job failed and will be retried after 1, 2, 4 … s"
            );
        }
        self.status.set(job.name(), state);
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        // What fails in a job that works often is our own database, and calls wait behind it.
        let longest = job.every().max(DATABASE_RETRY);
        backoff(failures.in_a_row, 0.0).min(longest)
    }
}

/// The failed steps of a job.
#[derive(Default)]
struct Failures {
    in_a_row: u32,
    log: LogThrottle,
}
