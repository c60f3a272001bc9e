//! The state that a try leaves its delivery in.

use std::time::Duration;

use jiff::Timestamp;

use super::outcome::{Attempt, Outcome};
use crate::{
    domain::backoff::backoff,
    store::{AttemptDetails, Delivery, DeliveryKey, DeliveryState, Finish},
};

/// The state after a try, which took so long; `None`: nothing is written.
pub(super) fn finish(
    delivery: &Delivery,
    attempt: Attempt,
    took: Duration,
    now: Timestamp,
) -> Option<Finish> {
    let failures = u32::try_from(delivery.attempts)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let tried = !matches!(attempt.outcome, Outcome::StaysDead { .. });
    let (state, due_at, error) = match attempt.outcome {
        Outcome::Delivered { again } => (
            DeliveryState::Done,
            again,
            attempt
                .warning
                .map(|warning| format!("delivered; {warning}")),
        ),
        Outcome::Skipped { reason } => (DeliveryState::Done, None, Some(reason)),
        Outcome::Wait { after } => (DeliveryState::Pending, Some(now + after), None),
        Outcome::Retry { after, error } => {
            let wait = after.unwrap_or_else(|| backoff(failures, jitter(&delivery.key, now)));
            (DeliveryState::Pending, Some(now + wait), Some(error))
        }
        Outcome::Park { after, error } | Outcome::PauseSink { after, error } => {
            (DeliveryState::Parked, Some(now + after), Some(error))
        }
        Outcome::Dead { error } | Outcome::StaysDead { error } => {
            (DeliveryState::Dead, None, Some(error))
        }
        Outcome::Superseded => return None,
    };
    Some(Finish {
        state,
        tried,
        due_at,
        error,
        details: AttemptDetails {
            took,
            http_status: attempt.http_status,
            action: attempt.action,
        },
        sink_state: attempt.sink_state,
        messages: attempt.messages,
    })
}

/// Spreads retries: a number between 0 and 1 that differs from call to call.
fn jitter(key: &DeliveryKey, now: Timestamp) -> f64 {
    let seed = key.call_id.bytes().map(u64::from).sum::<u64>();
    let mixed = seed.wrapping_mul(2_654_435_761) ^ now.as_microsecond().unsigned_abs();
    (mixed % 1000) as f64 / 1000.0
}
