//! Durations and times as people write them.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// A year has a day more than most, so that nothing is deleted before its years are over.
const YEAR: u64 = 366 * 86_400;
/// A hundred years: added to dates, a duration must not overflow.
const LONGEST: u64 = 36_600 * 86_400;

/// `30s`, `15m`, `2h`, `7d`, `6y`.
pub fn duration(value: &str) -> Option<Duration> {
    let unit = match value.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'y' => YEAR,
        _ => return None,
    };
    let count = &value[..value.len() - 1];
    if !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = count.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds <= LONGEST).then(|| Duration::from_secs(seconds))
}

/// A time (RFC 3339), a date (its midnight, UTC), or a duration before now: `7d`.
pub fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    let midnight = |date: Date| TimeZone::UTC.to_timestamp(date.to_datetime(Default::default()));
    let date = || midnight(text.parse().ok()?).ok();
    let before = || now.checked_sub(duration(text)?).ok();
    text.parse().ok().or_else(date).or_else(before)
}
