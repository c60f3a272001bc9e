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

/// A position in a recording as players show it: `1:05`, and from an hour on `1:02:03`.
pub fn clock_position(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// How long something took: `120 ms`, from ten seconds on in seconds.
pub(super) fn short_length(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.0} s"),
    }
}

/// Seconds, rounded to milliseconds.
pub(super) fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
