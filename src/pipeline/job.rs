//! A job: a unit of work that is repeated for ever, and its state.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::Wake;

/// Limit of a step that asks only our database: a connection that has gone silent would block it for ever.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);
/// Limit of a step that also sends requests to others, each of which may take 30 s.
pub(crate) const LONG_STEP_TIMEOUT: Duration = Duration::from_secs(900);

/// Gives the current time: `telemetry::now`, or the clock of a test.
pub type Clock = fn() -> Timestamp;

/// A unit of work that is repeated for ever. It takes no input and has one code path.
pub trait Job: Send + Sync + 'static {
    /// Names its gauges, its lease if it has one, and its entry in `/readyz`; stored, so it never changes.
    fn name(&self) -> &'static str;
    /// The signal that wakes it before its time; `None` for jobs that only time wakes.
    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify>;
    /// Which processes run it.
    fn runs_in(&self) -> RunsIn {
        RunsIn::Owner
    }
    /// How long it rests when nothing wakes it.
    fn every(&self) -> Duration;
    /// How long a step may take before it counts as failed.
    fn timeout(&self) -> Duration {
        STEP_TIMEOUT
    }
    /// Does what there is to do. True: there is more.
    fn step(&self, now: Timestamp) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// Which of the processes on one database run a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsIn {
    /// The one that holds the job's lease.
    Owner,
    /// Every one that the others know to be alive. They share the work row by row.
    Replicas,
    /// Every one, even if no lease can be renewed.
    Each,
}

/// The state of each job in this process, and what it last failed with; for `/readyz` and `/metrics`.
#[derive(Clone, Default)]
pub struct JobStatus(Arc<Mutex<BTreeMap<&'static str, JobState>>>);

/// The state of a job in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It runs here, and its last step succeeded.
    Running,
    /// Another process runs it.
    Standby,
    /// No process runs it as far as this one knows: no lease can be renewed.
    Unleased,
    /// Its last step failed with this error; it retries.
    Failing(String),
    /// Its task has ended although nobody stopped it.
    Dead,
}

impl JobStatus {
    /// Notes the state of one job.
    pub(super) fn set(&self, job: &'static str, state: JobState) {
        self.lock().insert(job, state);
    }

    /// A copy of all states, by job name.
    pub fn all(&self) -> BTreeMap<&'static str, JobState> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, JobState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
