//! Runs the jobs of a process: each in a task of its own, while this process holds its lease or, for shared jobs, lives.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Clock, Job, JobState, JobStatus, RunsIn, Wake, leases::Leases};
use crate::{
    domain::backoff::backoff,
    telemetry::{LogThrottle, Watchdog},
};

/// The longest rest after a step that could not read or write our database.
const DATABASE_RETRY: Duration = Duration::from_secs(5);
/// How often a job that another process runs looks whether it holds the lease now.
const STANDBY: Duration = Duration::from_millis(100);

/// The environment of every job.
#[derive(Clone)]
pub struct Runner {
    /// Where jobs get the time from.
    pub clock: Clock,
    /// Wakes the jobs of this process.
    pub wake: Arc<Wake>,
    /// The state of each.
    pub status: JobStatus,
    /// Which of them this process may run.
    pub leases: Leases,
    /// Their tasks, and the deliveries that they have dispatched.
    pub tasks: TaskTracker,
    /// Ends every job after its current step.
    pub stop: CancellationToken,
    /// Fed by the loop of each job.
    pub watchdog: Watchdog,
}

impl Runner {
    /// A runner without jobs, and without leases until [`Leases::renew`] takes them.
    pub fn new(clock: Clock) -> Runner {
        Runner {
            clock,
            wake: Arc::default(),
            status: JobStatus::default(),
            leases: Leases::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            watchdog: Watchdog::default(),
        }
    }

    /// The same, whose jobs feed this watchdog.
    pub fn watched_by(self, watchdog: &Watchdog) -> Runner {
        Runner {
            watchdog: watchdog.clone(),
            ..self
        }
    }

    /// Starts a job; it ends when `stop` is cancelled.
    pub fn spawn<J: Job>(&self, job: Arc<J>) {
        let runner = self.clone();
        let name = job.name();
        runner.status.set(name, JobState::Running);
        if job.runs_in() != RunsIn::Replicas {
            self.leases.want(name);
        }
        self.watchdog.expect(name);
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
            let rest = if self.may_run(job) {
                let step = self.step(job, &mut failures);
                self.watchdog.watch(job.name(), step).await
            } else {
                self.status.set(job.name(), self.state_without_lease());
                STANDBY
            };
            if rest.is_zero() {
                continue;
            }
            let woken = async {
                match job.wake_on(&self.wake) {
                    Some(wake) => wake.notified().await,
                    None => std::future::pending().await,
                }
            };
            let resting = async {
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(rest) => {}
                    () = self.stop.cancelled() => {}
                }
            };
            self.watchdog.watch(job.name(), resting).await;
        }
    }

    fn may_run<J: Job>(&self, job: &J) -> bool {
        match job.runs_in() {
            RunsIn::Owner => self.leases.holds(job.name()),
            RunsIn::Replicas => self.leases.is_alive(),
            RunsIn::Each => true,
        }
    }

    /// The state of a job that this process may not run.
    fn state_without_lease(&self) -> JobState {
        match self.leases.is_failing() {
            true => JobState::Unleased,
            false => JobState::Standby,
        }
    }

    /// Runs one step and returns how long to wait after it. A panic is a failed step like any other.
    async fn step<J: Job>(&self, job: &J, failures: &mut Failures) -> Duration {
        let step = AssertUnwindSafe(job.step((self.clock)())).catch_unwind();
        let Ok(step) = tokio::time::timeout(job.timeout(), step).await else {
            let error = "the step timed out; the database may have stopped answering";
            return self.failed(job, error, failures);
        };
        match step {
            Ok(Ok(more)) => {
                self.status.set(job.name(), JobState::Running);
                failures.in_a_row = 0;
                if failures.log.should_log_recovery().is_some() {
                    tracing::info!(job = job.name(), "job succeeds again");
                }
                if more { Duration::ZERO } else { job.every() }
            }
            Ok(Err(error)) => self.failed(job, &format!("{error:#}"), failures),
            Err(_panic) => self.failed(job, "the step panicked; this is a bug", failures),
        }
    }

    /// Logs an error now and then; `/readyz` shows it as long as it lasts.
    fn failed<J: Job>(&self, job: &J, error: &str, failures: &mut Failures) -> Duration {
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        // A job with a short interval can only fail because of our database, and calls wait for it.
        let longest = job.every().max(DATABASE_RETRY);
        let rest = backoff(failures.in_a_row, 0.0).min(longest);
        if let Some(suppressed) = failures.log.should_log(error) {
            tracing::warn!(
                job = job.name(),
                error,
                suppressed,
                retry_in_seconds = rest.as_secs_f64(),
                "job step failed; it will be retried"
            );
        }
        let state = JobState::Failing(error.to_owned());
        self.status.set(job.name(), state);
        rest
    }
}

/// The failed steps of a job.
#[derive(Default)]
struct Failures {
    in_a_row: u32,
    log: LogThrottle,
}
