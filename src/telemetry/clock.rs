//! The clock.

use jiff::Timestamp;

/// The clock's edge: everything below takes `now` as a parameter.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
