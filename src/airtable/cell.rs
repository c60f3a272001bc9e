//! A value as a cell of its column: what agents, rooms and participants say is text, numbers, lists or objects of any
//! kind, and Airtable refuses a whole request for one cell of the wrong kind.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::schema::Column;
use crate::domain::transcript;

/// Airtable takes 100,000 characters a cell and does not say of which unit; UTF-16 units are the most cautious.
pub(super) const LONGEST: usize = 99_000;
const CUT_NOTE: &str = "[… cut here: a cell of Airtable takes no more]";
/// Seconds since 1970 that a number must reach to be taken for a time (1973); milliseconds are beyond the other.
const EARLIEST_SECONDS: f64 = 1e8;
const EARLIEST_MILLIS: f64 = 1e11;

/// A cell, and why it is not all that was there. Null empties a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub value: Value,
    /// As the end of a sentence that begins with the value's source: `is no number`.
    pub unfit: Option<&'static str>,
}

/// What `value` is in a cell of `column`. A value that does not fit leaves the cell empty.
pub(super) fn fit(column: &Column, value: Value) -> Cell {
    if value.is_null() || value == "" {
        return Cell::empty();
    }
    let options = &column.options;
    let (found, wanted) = match column.kind.as_str() {
        "number" | "percent" | "currency" | "duration" => (number(&value), "is no number"),
        "rating" => (
            rating(&value, options),
            "is no whole number of the rating's range",
        ),
        "checkbox" => (boolean(&value), "is neither true nor false"),
        "date" => (date(&value), "is no date"),
        "dateTime" => (date_time(&value, options), "is no date and time"),
        "singleSelect" => (
            choice(&plain(&value), options).map(Value::from),
            "is none of the choices in the schema file",
        ),
        "multipleSelects" => return choices(&value, options),
        "multipleAttachments" => (Some(value), ""),
        _ => {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            (Some(Value::String(cut(text))), "")
        }
    };
    match found {
        Some(value) => Cell { value, unfit: None },
        None => Cell {
            value: Value::Null,
            unfit: Some(wanted),
        },
    }
}

impl Cell {
    fn empty() -> Cell {
        Cell {
            value: Value::Null,
            unfit: None,
        }
    }
}

/// As text; lists and objects as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn cut(text: String) -> String {
    transcript::cut(&text, LONGEST, CUT_NOTE).unwrap_or(text)
}

/// Attributes are always texts, hence numbers in texts.
fn number(value: &Value) -> Option<Value> {
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

/// 0 stars are an empty cell.
fn rating(value: &Value, options: &Value) -> Option<Value> {
    let most = options["max"].as_f64().unwrap_or(5.0);
    let stars = number(value)?.as_f64()?;
    match stars {
        0.0 => Some(Value::Null),
        _ if stars.fract() == 0.0 && stars >= 1.0 && stars <= most => Some(json!(stars as u64)),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<Value> {
    match plain(value).trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(json!(true)),
        "false" | "no" | "0" => Some(json!(false)),
        _ => None,
    }
}

fn date(value: &Value) -> Option<Value> {
    if let Some(date) = value
        .as_str()
        .and_then(|text| text.trim().parse::<Date>().ok())
    {
        // A text with a time and an offset names a day in UTC.
        let at = value.as_str()?.trim().parse::<Timestamp>();
        let date = at.map_or(date, |at| TimeZone::UTC.to_datetime(at).date());
        return Some(json!(date.to_string()));
    }
    let at = instant(value, &Value::Null)?;
    Some(json!(TimeZone::UTC.to_datetime(at).date().to_string()))
}

fn date_time(value: &Value, options: &Value) -> Option<Value> {
    instant(value, options).map(iso)
}

/// ISO 8601, without an offset in the column's time zone; or seconds or milliseconds since 1970, as SDKs write them.
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

/// ISO 8601 in milliseconds, as Airtable stores it.
pub(super) fn iso(at: Timestamp) -> Value {
    let millis = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    Value::String(format!("{millis:.3}"))
}

/// The choice as the schema spells it: exactly, else in any case.
fn choice(text: &str, options: &Value) -> Option<String> {
    let named = || options["choices"].as_array().into_iter().flatten();
    let names = || named().filter_map(|choice| choice["name"].as_str());
    let (text, lower) = (text.trim(), text.trim().to_lowercase());
    let found = names().find(|name| *name == text);
    let found = found.or_else(|| names().find(|name| name.to_lowercase() == lower));
    found.map(str::to_owned)
}

/// A list, or a text that is one: as JSON, or with commas. What is no choice is left out.
fn choices(value: &Value, options: &Value) -> Cell {
    let listed = match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::String(text) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(items) => items.iter().map(plain).collect(),
            Err(_) if choice(text, options).is_some() => vec![text.clone()],
            Err(_) => text.split(',').map(str::to_owned).collect(),
        },
        other => vec![plain(other)],
    };
    let mut known = Vec::new();
    for name in listed.iter().filter_map(|text| choice(text, options)) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let all = listed.iter().all(|text| choice(text, options).is_some());
    Cell {
        value: match known.is_empty() {
            true => Value::Null,
            false => json!(known),
        },
        unfit: (!all).then_some("holds what is none of the choices in the schema file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str, options: Value) -> Column {
        Column {
            name: "C".into(),
            kind: kind.into(),
            options,
            description: String::new(),
            from: "report.x".into(),
            enabled: true,
            key: false,
        }
    }

    #[test]
    fn values_become_what_their_column_takes() {
        let select = json!({"choices": [{"name": "Gold"}, {"name": "Tea, green"}]});
        let utc = json!({"timeZone": "utc"});
        let berlin = json!({"timeZone": "Europe/Berlin"});
        let none = Value::Null;
        let cases = [
            ("singleLineText", &none, json!(5), json!("5")),
            ("singleLineText", &none, json!(true), json!("true")),
            (
                "multilineText",
                &none,
                json!({"a": [1]}),
                json!(r#"{"a":[1]}"#),
            ),
            ("multilineText", &none, json!(["a"]), json!(r#"["a"]"#)),
            ("number", &none, json!(1.5), json!(1.5)),
            ("number", &none, json!(" -12.50 "), json!(-12.5)),
            (
                "number",
                &none,
                json!("9007199254740993"),
                json!(9_007_199_254_740_993_i64),
            ),
            ("duration", &none, json!("61"), json!(61)),
            ("rating", &json!({"max": 3}), json!(3.0), json!(3)),
            ("rating", &json!({"max": 3}), json!(0), none.clone()),
            ("checkbox", &none, json!("Yes"), json!(true)),
            ("checkbox", &none, json!(0), json!(false)),
            ("date", &none, json!("2026-01-02"), json!("2026-01-02")),
            (
                "date",
                &none,
                json!("2026-01-02T23:30:00-02:00"),
                json!("2026-01-03"),
            ),
            ("date", &none, json!(1_763_884_861), json!("2025-11-23")),
            (
                "dateTime",
                &utc,
                json!("2026-01-02T03:04:05+01:00"),
                json!("2026-01-02T02:04:05.000Z"),
            ),
            (
                "dateTime",
                &utc,
                json!("2026-01-02 03:04"),
                json!("2026-01-02T03:04:00.000Z"),
            ),
            (
                "dateTime",
                &berlin,
                json!("2026-01-02T03:04:05"),
                json!("2026-01-02T02:04:05.000Z"),
            ),
            (
                "dateTime",
                &utc,
                json!(1_763_884_861_500_i64),
                json!("2025-11-23T08:01:01.500Z"),
            ),
            (
                "dateTime",
                &utc,
                json!("1763884861.5"),
                json!("2025-11-23T08:01:01.500Z"),
            ),
            ("singleSelect", &select, json!("gold "), json!("Gold")),
            (
                "multipleSelects",
                &select,
                json!(["Gold", "Tea, green", "Gold"]),
                json!(["Gold", "Tea, green"]),
            ),
            (
                "multipleSelects",
                &select,
                json!(r#"["Gold"]"#),
                json!(["Gold"]),
            ),
            (
                "multipleSelects",
                &select,
                json!("Tea, green"),
                json!(["Tea, green"]),
            ),
            (
                "multipleSelects",
                &select,
                json!("gold,Gold"),
                json!(["Gold"]),
            ),
            ("multipleSelects", &select, json!([]), none.clone()),
            ("number", &none, none.clone(), none.clone()),
            ("number", &none, json!(""), none.clone()),
        ];
        for (kind, options, value, cell) in cases {
            let found = fit(&column(kind, options.clone()), value.clone());
            let wanted = Cell {
                value: cell,
                unfit: None,
            };
            assert_eq!(found, wanted, "{value} in {kind}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_leaves_the_cell_empty_and_is_told() {
        let select = json!({"choices": [{"name": "Gold"}]});
        let none = Value::Null;
        let cases = [
            ("number", &none, json!("many")),
            ("number", &none, json!("inf")),
            ("number", &none, json!(true)),
            ("number", &none, json!({"n": 1})),
            ("rating", &json!({"max": 3}), json!(4)),
            ("rating", &json!({"max": 3}), json!(1.5)),
            ("checkbox", &none, json!("maybe")),
            ("checkbox", &none, json!(2)),
            ("date", &none, json!("Tuesday")),
            ("date", &none, json!(2026)),
            ("dateTime", &none, json!("2026-13-02T00:00:00Z")),
            ("dateTime", &none, json!([1])),
            ("singleSelect", &select, json!("Silver")),
            ("multipleSelects", &select, json!(["Silver"])),
        ];
        for (kind, options, value) in cases {
            let found = fit(&column(kind, options.clone()), value.clone());
            assert_eq!(found.value, Value::Null, "{value} in {kind}");
            assert!(found.unfit.is_some(), "{value} in {kind}");
        }
        let some = fit(
            &column("multipleSelects", select),
            json!(["Silver", "gold"]),
        );
        assert_eq!(some.value, json!(["Gold"]));
        assert!(some.unfit.is_some());
    }

    #[test]
    fn a_text_longer_than_a_cell_is_cut_and_says_so() {
        let cell = fit(
            &column("multilineText", Value::Null),
            json!("😀".repeat(60_000)),
        );
        let text = cell.value.as_str().unwrap();
        assert!(text.ends_with(CUT_NOTE));
        assert!(text.encode_utf16().count() <= LONGEST);
    }
}
