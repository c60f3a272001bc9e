//! What a try leaves its delivery in.

use jiff::Timestamp;

use super::outcome::{Answer, Attempt};
use crate::{
    domain::backoff::backoff,
    store::{Delivery, Finish, Key, State},
};

/// The state after a try; `None`: nothing is written.
pub(super) fn finish(delivery: &Delivery, attempt: Attempt, now: Timestamp) -> Option<Finish> {
    let failures = u32::try_from(delivery.attempts)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let (state, due_at, error) = match attempt.answer {
        Answer::Delivered { again } => (
            State::Done,
            again,
            attempt.remark.map(|remark| format!("delivered; {remark}")),
        ),
        Answer::Wait { after } => (State::Pending, Some(now + after), None),
        Answer::Retry { after, error } => {
            let wait = after.unwrap_or_else(|| backoff(failures, jitter(&delivery.key, now)));
            (State::Pending, Some(now + wait), Some(error))
        }
        Answer::Park { after, error } | Answer::Closed { after, error } => {
            (State::Parked, Some(now + after), Some(error))
        }
        Answer::Dead { error } => (State::Dead, None, Some(error)),
        Answer::Elsewhere => return None,
    };
    Some(Finish {
        state,
        due_at,
        error,
        memo: attempt.memo,
        found: attempt.found,
    })
}

/// Spreads retries: a number between 0 and 1 that differs from call to call.
fn jitter(key: &Key, now: Timestamp) -> f64 {
    let letters = key.call_id.bytes().map(u64::from).sum::<u64>();
    let mixed = letters.wrapping_mul(2_654_435_761) ^ now.as_microsecond().unsigned_abs();
    (mixed % 1000) as f64 / 1000.0
}
