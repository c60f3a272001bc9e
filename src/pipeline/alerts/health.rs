//! What is wrong with the service itself: its database, its leases and its jobs.

use jiff::{SignedDuration, Timestamp};

use super::condition::{Condition, ConditionKind};
use crate::{
    domain::counted,
    pipeline::{JobState, leases::Leases},
    store::{Error, Store},
};

/// The name of the job that raises alerts; it does not alert its own failures.
pub(super) const ALERTS: &str = "watch";
/// Leases that could not be renewed for this long have expired.
const LEASES_EXPIRED: SignedDuration = SignedDuration::from_secs(15);
/// A job that fails for this long will not recover by itself.
const JOB_FAILS: SignedDuration = SignedDuration::from_mins(5);

/// The database is not writable.
pub(super) fn unwritable(error: &Error) -> Condition {
    let why = error.reason();
    let text = format!(
        "The database is not writable: {why}. Webhooks and transcripts are refused with 503, so that their senders retry. Free disk space or repair the database; the service then recovers by itself."
    );
    let summary = "the database was not writable";
    Condition::new(ConditionKind::Database, summary, text)
}

/// The database is writable, and yet no lease can be renewed: nothing is sent.
pub(super) async fn unleased(leases: &Leases, store: &Store, now: Timestamp) -> Option<Condition> {
    if !leases.is_failing() {
        return None;
    }
    let stuck = store.waiting(now, now).await.unwrap_or_default();
    let count = stuck.iter().map(|stuck| stuck.count).sum();
    let pending = counted(count, "delivery is pending", "deliveries are pending");
    let text = format!(
        "All jobs stopped: leases cannot be renewed although the database is writable. {pending}; incoming events are \
         still stored. Find the transaction that holds a lock on the table `leases` (pg_stat_activity, pg_locks) and end it."
    );
    let summary = "all jobs were stopped because no lease could be renewed";
    let condition = Condition::new(ConditionKind::Leases, summary, text);
    let condition = condition.affecting(count, Vec::new());
    Some(condition.after(LEASES_EXPIRED))
}

/// A job of this process that keeps failing, or has died.
pub(super) fn failing(job: &'static str, state: JobState) -> Option<Condition> {
    let (what, grace) = match state {
        JobState::Failing(error) if job != ALERTS => (format!("keeps failing: {error}"), JOB_FAILS),
        JobState::Dead => {
            let died = "has died; restart the service".to_owned();
            (died, SignedDuration::ZERO)
        }
        _ => return None,
    };
    let text = format!("The job `{job}` {what}.");
    let summary = format!("the job `{job}` failed");
    let condition = Condition::new(ConditionKind::Job(job.to_owned()), summary, text);
    Some(condition.after(grace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_job_is_given_five_minutes_and_a_dead_one_none() {
        let failing = |state| failing("intake", state).map(|condition| condition.grace);
        assert_eq!(failing(JobState::Running), None);
        assert_eq!(failing(JobState::Failing("x".into())), Some(JOB_FAILS));
        assert_eq!(failing(JobState::Dead), Some(SignedDuration::ZERO));
    }
}
