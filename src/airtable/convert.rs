//! What texts, numbers and lists of any shape are as numbers, truth values, dates and times.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// The smallest number that is treated as seconds since 1970 (1973); the second constant is the same for milliseconds.
const EARLIEST_SECONDS: f64 = 1e8;
const EARLIEST_MILLIS: f64 = 1e11;

/// As text; lists and objects as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A finite number, also from a text: attributes are always texts.
pub(super) fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Some(json!(whole));
            }
            let starts = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            let number: f64 = text.parse().ok().filter(|_| starts)?;
            number.is_finite().then(|| json!(number))
        }
        _ => None,
    }
}

/// A whole number of stars in the column's range; 0 stars are an empty cell.
pub(super) fn rating(value: &Value, options: &Value) -> Option<Value> {
    let most = options["max"].as_f64().unwrap_or(5.0);
    let stars = number(value)?.as_f64()?;
    match stars {
        0.0 => Some(Value::Null),
        _ if stars.fract() == 0.0 && stars >= 1.0 && stars <= most => Some(json!(stars as u64)),
        _ => None,
    }
}

/// `true`, `yes`, `1` and their opposites, in any case.
pub(super) fn boolean(value: &Value) -> Option<Value> {
    match plain(value).trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(json!(true)),
        "false" | "no" | "0" => Some(json!(false)),
        _ => None,
    }
}

/// A date as `2026-01-02`; of a time its day in UTC.
pub(super) fn date(value: &Value) -> Option<Value> {
    if let Some(date) = value
        .as_str()
        .and_then(|text| text.trim().parse::<Date>().ok())
    {
        // Text with a time and an offset is converted to a day in UTC.
        let at = value.as_str()?.trim().parse::<Timestamp>();
        let date = at.map_or(date, |at| TimeZone::UTC.to_datetime(at).date());
        return Some(json!(date.to_string()));
    }
    let at = instant(value, &Value::Null)?;
    Some(json!(TimeZone::UTC.to_datetime(at).date().to_string()))
}

/// A time as [`iso`].
pub(super) fn date_time(value: &Value, options: &Value) -> Option<Value> {
    instant(value, options).map(iso)
}

/// ISO 8601, interpreted in the column's time zone if it has no offset; or seconds or milliseconds since 1970, as SDKs
/// write them.
fn instant(value: &Value, options: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        let text = text.trim();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at);
        }
        if let Ok(local) = text.parse::<DateTime>() {
            let zone = options["timeZone"].as_str().unwrap_or("UTC");
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            return zone.to_timestamp(local).ok();
        }
    }
    let number = number(value)?.as_f64()?;
    let seconds = match number {
        n if n >= EARLIEST_MILLIS => n / 1e3,
        n if n >= EARLIEST_SECONDS => n,
        _ => return None,
    };
    Timestamp::from_millisecond((seconds * 1e3).round() as i64).ok()
}

/// ISO 8601 with milliseconds, as Airtable stores it.
pub(super) fn iso(at: Timestamp) -> Value {
    let millis = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    Value::String(format!("{millis:.3}"))
}
