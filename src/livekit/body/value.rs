//! JSON values, read tolerantly.

use jiff::Timestamp;
use serde_json::Value;

/// The first of these fields that is there and not null.
pub(super) fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let present = |name: &&str| value.get(*name).filter(|value| !value.is_null());
    names.iter().find_map(present)
}

/// The text of the first of these fields that is there, without NUL, which PostgreSQL refuses; empty without one.
pub(super) fn string(value: &Value, names: &[&str]) -> String {
    let text = first(value, names).map(text).unwrap_or_default();
    text.replace('\0', "")
}

/// The value if it is a text, else an empty one.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An int64: a string in protobuf's JSON, and a number in that of others.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|n| n as i64)),
        _ => None,
    }
}

/// The year 2200. A later time is a mistake, and a duration added to it would overflow.
const LATEST: Timestamp = Timestamp::constant(7_258_118_400, 0);

fn sound(at: Timestamp) -> Option<Timestamp> {
    Some(at).filter(|at| *at < LATEST)
}

/// A time in milliseconds since the epoch; `None` for 0 and for times that cannot be.
pub(super) fn milliseconds(value: &Value) -> Option<Timestamp> {
    let millis = integer(value).filter(|n| *n > 0)?;
    Timestamp::from_millisecond(millis).ok().and_then(sound)
}

/// A time in seconds since the epoch; `None` for 0 and for times that cannot be.
pub(super) fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = integer(value).filter(|n| *n > 0)?;
    Timestamp::from_second(seconds).ok().and_then(sound)
}

/// A time in nanoseconds since the epoch; `None` for 0 and for times that cannot be.
pub(super) fn nanoseconds(value: &Value) -> Option<Timestamp> {
    let nanos = integer(value).filter(|n| *n > 0)?;
    let at = Timestamp::from_nanosecond(i128::from(nanos)).ok();
    at.and_then(sound)
}
