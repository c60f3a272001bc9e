//! Which failures were logged: the reason once, however many calls it hits, and again in an hour.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::telemetry::LogThrottle;

/// How often the database is asked whether any failed delivery is left.
const RECOVERY_CHECK: SignedDuration = SignedDuration::from_secs(5);

/// The failures of a sink that were logged.
#[derive(Default)]
pub(super) struct FailureLog {
    throttle: LogThrottle,
    checked_at: Mutex<Option<Timestamp>>,
}

impl FailureLog {
    /// Whether to log this reason now, and how often it was suppressed since it was last logged.
    pub(super) fn should_log(&self, reason: &str, now: Timestamp) -> Option<u64> {
        let suppressed = self.throttle.should_log(reason)?;
        // The failed attempt has yet to be stored.
        *self.checked_at() = Some(now);
        Some(suppressed)
    }

    /// Whether a failure was logged, and it is time to check whether any is left.
    pub(super) fn is_check_due(&self, now: Timestamp) -> bool {
        let mut checked_at = self.checked_at();
        // A time in the future: the clock was set back.
        let rested = |at: Timestamp| at > now || now >= at + RECOVERY_CHECK;
        let is_due = self.throttle.has_logged() && checked_at.is_none_or(rested);
        if is_due {
            *checked_at = Some(now);
        }
        is_due
    }

    /// How many lines were suppressed, once, when nothing that was logged has failed any more.
    pub(super) fn recovered(&self) -> Option<u64> {
        self.throttle.should_log_recovery()
    }

    fn checked_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.checked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn recovery_is_checked_now_and_then_once_a_failure_was_logged() {
        let failures = FailureLog::default();
        assert!(!failures.is_check_due(at(0)), "nothing was logged");
        assert!(failures.should_log("500", at(0)).is_some());
        assert_eq!(
            [0, 5, 6, 10].map(|seconds| failures.is_check_due(at(seconds))),
            [false, true, false, true]
        );
        assert!(failures.is_check_due(at(-100)), "the clock was set back");
        assert!(failures.recovered().is_some());
        assert!(!failures.is_check_due(at(200)));
    }
}
