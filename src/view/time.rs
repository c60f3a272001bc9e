//! Times and lengths.

use jiff::Timestamp;

/// A time for people: UTC, to the second.
pub fn utc_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A length as people read it, rounded: `1:02:03`.
pub fn clock_length(seconds: f64) -> String {
    let seconds = seconds.round() as i64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}
