//! The clock.

use jiff::Timestamp;

/// The only place that reads the clock: jobs and HTTP take it as a `Clock`, commands call it, everything else takes `now`.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
