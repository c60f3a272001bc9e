//! The job for messages with large bodies: they are parsed one at a time and wait for their turn, and nothing else waits for them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::job::Intake;
use crate::{
    pipeline::{Job, RunsIn, Wake, job::LONG_STEP_TIMEOUT},
    store::Sizes,
};

/// Folds inbox messages with large bodies into calls, as the intake that it is made of does the others.
pub struct LargeIntake(pub Arc<Intake>);

impl Job for LargeIntake {
    fn name(&self) -> &'static str {
        "intake_large"
    }

    fn wake_on<'a>(&self, wake: &'a Wake) -> Option<&'a Notify> {
        Some(&wake.intake_large)
    }

    fn runs_in(&self) -> RunsIn {
        RunsIn::Replicas
    }

    fn every(&self) -> Duration {
        // Nobody wakes this job for a message that waited for its call, or that another process stored and left. All others that
        // wait are read through for it.
        Duration::from_secs(2)
    }

    fn timeout(&self) -> Duration {
        // Requests have turns, too.
        LONG_STEP_TIMEOUT
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        let waiting = self.0.store.due_messages(Sizes::Large, now, 1).await?;
        self.0.fold_all(&waiting, now).await?;
        Ok(!waiting.is_empty())
    }
}
