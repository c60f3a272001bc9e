//! Times as agents write them: seconds, milliseconds, microseconds or nanoseconds since 1970, text, or seconds from the
//! recording's start.

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};
use serde_json::Value;

/// Numbers below this many seconds, the spring of 1973, count from the recording's start; negative ones are before it.
const FIRST_EPOCH_SECOND: f64 = 1e8;

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// By the agent's clock.
    At(Timestamp),
    /// Milliseconds after the recording's start.
    Offset(i64),
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Its size tells.
    BySize,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// Parses a time in any form; `None` if it is not one.
pub(super) fn moment(value: &Value) -> Option<Moment> {
    match value {
        Value::Number(number) => of_number(number.as_f64()?),
        Value::String(text) => of_text(text.trim()),
        // Protobuf's Timestamp and Duration.
        Value::Object(fields) => {
            let number = |name: &str| match fields.get(name)? {
                Value::String(text) => text.parse().ok(),
                number => number.as_f64(),
            };
            let seconds: f64 = number("seconds")?;
            of_number(seconds + number("nanos").unwrap_or_default() / 1e9)
        }
        _ => None,
    }
}

/// Parses a time whose name has a unit.
pub(super) fn moment_in(value: &Value, unit: Unit) -> Option<Moment> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let per_second = match unit {
        Unit::BySize => return moment(value),
        Unit::Seconds => 1.0,
        Unit::Milliseconds => 1e3,
        Unit::Microseconds => 1e6,
        Unit::Nanoseconds => 1e9,
    };
    match number {
        Some(number) => of_number(number / per_second),
        None => moment(value),
    }
}

/// A point in time; `None` for one that counts from the recording's start.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    match moment(value)? {
        Moment::At(at) => Some(at),
        Moment::Offset(_) => None,
    }
}

/// The unit follows from the size: only in one of seconds, milliseconds, microseconds and nanoseconds is the number a time
/// between 1973 and 5138.
fn of_number(number: f64) -> Option<Moment> {
    let milliseconds = match number {
        n if n.is_nan() || n <= -FIRST_EPOCH_SECOND => return None,
        n if n < FIRST_EPOCH_SECOND => return Some(Moment::Offset((n * 1e3).round() as i64)),
        n if n < 1e11 => n * 1e3,
        n if n < 1e14 => n,
        n if n < 1e17 => n / 1e3,
        n => n / 1e6,
    };
    let at = Timestamp::from_millisecond(milliseconds as i64).ok()?;
    Some(Moment::At(at))
}

/// A number, RFC 3339 (without an offset: UTC), RFC 2822, or a clock time like `1:05`.
fn of_text(text: &str) -> Option<Moment> {
    if let Ok(number) = text.parse() {
        return of_number(number);
    }
    // Protobuf's Duration as JSON, and numbers with a unit.
    let measured = |unit: &str| text.strip_suffix(unit)?.trim_end().parse::<f64>().ok();
    if let Some(milliseconds) = measured("ms").or_else(|| Some(measured("s")? * 1e3)) {
        return of_number(milliseconds / 1e3);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Moment::At(at));
    }
    if let Some(milliseconds) = clock(text) {
        return Some(Moment::Offset(milliseconds));
    }
    let utc = text.parse::<DateTime>().ok();
    let utc = utc.and_then(|at| TimeZone::UTC.to_timestamp(at).ok());
    let mail = || Some(rfc2822::parse(text).ok()?.timestamp());
    utc.or_else(mail).map(Moment::At)
}

/// `mm:ss` or `hh:mm:ss`, with or without a fraction, in milliseconds.
pub(super) fn clock(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (seconds, whole) = parts.split_last()?;
    let seconds = seconds.replace(',', ".");
    let plain = seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !(1..=2).contains(&whole.len()) || !whole.iter().all(digits) || !plain {
        return None;
    }
    let seconds: f64 = seconds.parse().ok().filter(|seconds| *seconds < 60.0)?;
    let mut minutes: i64 = 0;
    for part in whole {
        let part: i64 = part.parse().ok().filter(|part| *part < 1_000_000)?;
        minutes = minutes * 60 + part;
    }
    Some(minutes * 60_000 + (seconds * 1e3).round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_unit_of_a_number_follows_from_its_size() {
        let at = |text: &str| Some(Moment::At(text.parse().unwrap()));
        let point = "2025-11-23T08:00:01.5Z";
        for written in [
            json!(1763884801.5),
            json!(1763884801500i64),
            json!(1763884801500000i64),
            json!(1763884801500000000i64),
            json!("1763884801500"),
            json!("2025-11-23T08:00:01.5Z"),
            json!("2025-11-23T09:00:01.500000+01:00"),
            json!("2025-11-23T08:00:01.5"),
            json!("2025-11-23 08:00:01.500"),
        ] {
            assert_eq!(moment(&written), at(point), "{written}");
        }
        let mail = json!("Sun, 23 Nov 2025 08:00:01 GMT");
        assert_eq!(moment(&mail), at("2025-11-23T08:00:01Z"));
    }

    #[test]
    fn small_numbers_and_clocks_count_from_the_start() {
        let offsets = [
            (json!(0), 0),
            (json!(12.5), 12_500),
            (json!(-3), -3_000),
            (json!("12.5"), 12_500),
            (json!(99_999_999), 99_999_999_000),
            (json!("1:05"), 65_000),
            (json!("00:01:05.250"), 65_250),
            (json!("65.25s"), 65_250),
            (json!("250 ms"), 250),
            (json!({ "seconds": "65", "nanos": 250_000_000 }), 65_250),
        ];
        for (written, milliseconds) in offsets {
            assert_eq!(
                moment(&written),
                Some(Moment::Offset(milliseconds)),
                "{written}"
            );
        }
    }

    #[test]
    fn other_values_are_not_times() {
        for written in [
            json!(-1e9),
            json!("soon"),
            json!(""),
            json!(null),
            json!("1:75"),
            json!(1e300),
        ] {
            assert_eq!(moment(&written), None, "{written}");
        }
    }
}
