//! When a recording that could not be listened to is tried again.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::backoff::backoff;

/// Attempts for a recording, also such as ended with the process.
pub(super) const MOST_ATTEMPTS: i64 = 8;
/// The next attempt comes at least so long after the beginning of the last.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// When the next attempt is due after so many, if the one that begins now does not end.
pub(super) fn again_at(attempts: i64, now: Timestamp) -> Timestamp {
    let attempts = u32::try_from(attempts).unwrap_or_default();
    now + AGAIN_AFTER + 60 * backoff(attempts, 0.0)
}
