//! Log lines about attempts.

use jiff::Timestamp;

use super::{
    deliverer::Deliverer,
    dispatch::Deliver,
    outcome::{Attempt, Outcome},
};
use crate::store::Delivery;

impl<D: Deliverer> Deliver<D> {
    /// Logs how an attempt ended.
    pub(super) async fn log(&self, delivery: &Delivery, attempt: &Attempt, now: Timestamp) {
        let (sink, call) = (delivery.key.sink.as_str(), &delivery.key.call_id);
        match &attempt.outcome {
            Outcome::Delivered { .. } => match &attempt.warning {
                None => tracing::debug!(sink, call, "delivered"),
                Some(warning) => tracing::warn!(sink, call, warning, "delivered incompletely"),
            },
            Outcome::Skipped { reason } => tracing::debug!(sink, call, %reason, "not delivered"),
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
                    tracing::warn!(sink, call, suppressed, %error, "delivery parked: manual action needed; run `livekit-airtable doctor`");
                }
                None => tracing::debug!(sink, call, %error, "delivery parked"),
            },
            Outcome::Dead { error } => {
                tracing::error!(sink, call, %error, "delivery failed permanently; it is kept")
            }
            Outcome::StaysDead { error } => {
                tracing::debug!(sink, call, %error, "delivery has failed permanently")
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
        if let Some(suppressed) = self.failures.recovered() {
            tracing::info!(
                sink = sink.as_str(),
                suppressed,
                "all failed deliveries have succeeded or been dropped"
            );
        }
        Ok(())
    }
}
