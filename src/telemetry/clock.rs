//! The clock.

use jiff::Timestamp;

/// The only place that reads the clock: everything below takes `now` as a parameter.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
