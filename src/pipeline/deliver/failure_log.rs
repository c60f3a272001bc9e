//! What the log says of attempts: the reason of a failure once, however many calls it hits, and again in an hour.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Attempt, Deliver, Deliverer, Outcome};
use crate::{
    store::{Delivery, sink_name},
    telemetry::LogThrottle,
};

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
    fn should_log(&self, reason: &str, now: Timestamp) -> Option<u64> {
        let suppressed = self.throttle.should_log(reason)?;
        // The failed attempt has yet to be stored.
        *self.checked_at() = Some(now);
        Some(suppressed)
    }

    /// Whether a failure was logged, and it is time to check whether any is left.
    fn is_check_due(&self, now: Timestamp) -> bool {
        let mut checked_at = self.checked_at();
        // A time in the future: the clock was set back.
        let rested = |at: Timestamp| at > now || now >= at + RECOVERY_CHECK;
        let is_due = self.throttle.has_logged() && checked_at.is_none_or(rested);
        if is_due {
            *checked_at = Some(now);
        }
        is_due
    }

    fn checked_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.checked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Deliverer> Deliver<D> {
    /// Logs how an attempt ended.
    pub(super) async fn log(&self, delivery: &Delivery, attempt: &Attempt, now: Timestamp) {
        let (sink, call) = (sink_name(delivery.key.sink), &delivery.key.call_id);
        match &attempt.outcome {
            Outcome::Delivered { .. } => match &attempt.warning {
                None => tracing::debug!(sink, call, "delivered"),
                Some(warning) => tracing::warn!(sink, call, warning, "delivered incompletely"),
            },
            Outcome::Wait { .. } => tracing::debug!(sink, call, "too early to deliver"),
            Outcome::Retry { error, .. } => match self.failures.should_log(error, now) {
                Some(suppressed) => {
                    let waiting = self.store.waiting_for(delivery.key.sink).await.ok();
                    tracing::warn!(sink, call, waiting, suppressed, %error, "delivery failed and will be retried; the same error is logged again in an hour");
                }
                None => {
                    tracing::debug!(sink, call, %error, "delivery failed and will be retried")
                }
            },
            Outcome::Park { error, .. } => match self.failures.should_log(error, now) {
                Some(suppressed) => {
                    tracing::warn!(sink, call, suppressed, %error, "delivery parked: manual action needed");
                }
                None => tracing::debug!(sink, call, %error, "delivery parked"),
            },
            Outcome::Dead { error } => {
                tracing::error!(sink, call, %error, "delivery failed permanently; it is kept")
            }
            Outcome::Superseded => {
                tracing::info!(sink, call, "another process took the delivery over")
            }
            // Logged once for the whole sink.
            Outcome::PauseSink { .. } => {}
        }
    }

    /// Logs when none of the failed deliveries is left.
    pub(super) async fn log_recovery(&self, now: Timestamp) -> anyhow::Result<()> {
        let sink = self.deliverer.sink();
        if !self.failures.is_check_due(now) || self.store.has_failed(sink).await? {
            return Ok(());
        }
        if let Some(suppressed) = self.failures.throttle.should_log_recovery() {
            tracing::info!(
                sink = sink_name(sink),
                suppressed,
                "all failed deliveries have succeeded or been dropped"
            );
        }
        Ok(())
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
        assert!(failures.throttle.should_log_recovery().is_some());
        assert!(!failures.is_check_due(at(200)));
    }
}
