//! Which values each field type takes, and how they are stored.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::base::Field;
use super::refusal::Refusal;
use super::typecast::Typecast;
use super::{attachments, ids, schema};

/// Airtable's documented limit of a cell. Its unit is not documented; Airtable's own code counts UTF-16.
const LONGEST_TEXT: usize = 100_000;

type Cell = Result<Option<Value>, Refusal>;

/// The value as it is stored, None for an empty cell. Links are not accepted here, see `links`. `current` is the cell's present
/// value: attachments are kept by id.
pub(super) fn accept(
    field: &mut Field,
    value: &Value,
    current: Option<&Value>,
    typecast: Typecast,
) -> Cell {
    let refused = || Refusal::bad_value(&field.name);
    if value.is_null() && is_writable(&field.kind) {
        return Ok(None);
    }
    match field.kind.as_str() {
        "singleLineText" | "multilineText" | "richText" | "email" | "url" | "phoneNumber" => {
            text(value, typecast).ok_or_else(refused)
        }
        "number" | "percent" | "currency" | "duration" => number(value, typecast, &field.kind)
            .map(Some)
            .ok_or_else(refused),
        "rating" => rating(value, &field.options).map(Some).ok_or_else(refused),
        "checkbox" => match value {
            Value::Bool(true) => Ok(Some(json!(true))),
            Value::Bool(false) => Ok(None),
            _ => Err(refused()),
        },
        "date" => date(value).map(Some).ok_or_else(refused),
        "dateTime" => date_time(value, &field.options)
            .map(Some)
            .ok_or_else(refused),
        "singleSelect" => match value.as_str() {
            Some(name) => choice(field, name, typecast),
            None => Err(refused()),
        },
        "multipleSelects" => choices(field, value, typecast),
        "multipleAttachments" => attachments::accept(&field.name, value, current),
        "barcode" => object(value, &["text", "type"]).ok_or_else(refused),
        "singleCollaborator" => object(value, &["id", "email"]).ok_or_else(refused),
        "multipleCollaborators" => {
            let all = value.as_array().filter(|all| {
                let known = |one: &Value| object(one, &["id", "email"]).is_some();
                all.iter().all(known)
            });
            let all = all.ok_or_else(refused)?;
            Ok((!all.is_empty()).then(|| value.clone()))
        }
        _ => Err(Refusal::invalid(
            "INVALID_VALUE_FOR_COLUMN",
            format!(
                "Field \"{}\" cannot accept a value because the field is computed",
                field.name
            ),
        )),
    }
}

/// Whether a request may set fields of this type.
pub(super) fn is_writable(kind: &str) -> bool {
    const WRITABLE: [&str; 17] = [
        "singleLineText",
        "multilineText",
        "richText",
        "email",
        "url",
        "phoneNumber",
        "number",
        "percent",
        "currency",
        "duration",
        "rating",
        "checkbox",
        "date",
        "dateTime",
        "singleSelect",
        "multipleSelects",
        "multipleAttachments",
    ];
    const BY_ID: [&str; 4] = [
        "multipleRecordLinks",
        "barcode",
        "singleCollaborator",
        "multipleCollaborators",
    ];
    WRITABLE.contains(&kind) || BY_ID.contains(&kind)
}

/// Whether `fieldsToMergeOn` may name fields of this type.
pub(super) fn is_mergeable(kind: &str) -> bool {
    matches!(
        kind,
        "singleLineText" | "multilineText" | "number" | "singleSelect" | "multipleSelects" | "date"
    )
}

fn text(value: &Value, typecast: Typecast) -> Option<Option<Value>> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) if typecast.is_on() => value.to_string(),
        _ => return None,
    };
    if text.encode_utf16().count() > LONGEST_TEXT {
        return None;
    }
    Some((!text.is_empty()).then(|| json!(text)))
}

fn number(value: &Value, typecast: Typecast, kind: &str) -> Option<Value> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) if typecast.is_on() && kind == "duration" => {
            text.split(':').try_fold(0.0, |sum, part| {
                Some(sum * 60.0 + part.parse::<f64>().ok()?)
            })?
        }
        Value::String(text) if typecast.is_on() => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then(|| shortest(number))
}

/// A number as JavaScript prints it: 61.0 is 61.
pub(super) fn shortest(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}

fn rating(value: &Value, options: &Option<Value>) -> Option<Value> {
    let most = options
        .as_ref()
        .and_then(|o| o["max"].as_u64())
        .unwrap_or(5);
    let stars = value.as_u64()?;
    (1..=most).contains(&stars).then(|| value.clone())
}

fn date(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    let date: Date = match text.parse::<Timestamp>() {
        Ok(at) => TimeZone::UTC.to_datetime(at).date(),
        Err(_) => text.parse().ok()?,
    };
    Some(json!(date.to_string()))
}

/// Reads ISO 8601; without an offset it is local to the field's time zone.
pub(super) fn date_time(value: &Value, options: &Option<Value>) -> Option<Value> {
    let text = value.as_str()?;
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(json!(ids::iso(at)));
    }
    let local: DateTime = text.parse().ok()?;
    let zone = options.as_ref().and_then(|o| o["timeZone"].as_str());
    let zone = zone
        .and_then(|name| TimeZone::get(name).ok())
        .unwrap_or(TimeZone::UTC);
    let at = zone.to_timestamp(local).ok()?;
    Some(json!(ids::iso(at)))
}

fn choice(field: &mut Field, name: &str, typecast: Typecast) -> Cell {
    let options = field.options.get_or_insert_with(|| json!({"choices": []}));
    let choices = options.get_mut("choices").and_then(Value::as_array_mut);
    let Some(choices) = choices else {
        return Err(Refusal::bad_value(&field.name));
    };
    if choices.iter().any(|choice| choice["name"] == name) {
        return Ok(Some(json!(name)));
    }
    match (typecast.is_on(), name.trim()) {
        (true, "") => Ok(None),
        (true, name) => {
            if !choices.iter().any(|choice| choice["name"] == name) {
                choices.push(schema::choice(name));
            }
            Ok(Some(json!(name)))
        }
        (false, _) => Err(Refusal::unknown_choice(name)),
    }
}

fn choices(field: &mut Field, value: &Value, typecast: Typecast) -> Cell {
    let names: Vec<&str> = match value {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(names) if typecast.is_on() => names.split(',').map(str::trim).collect(),
        _ => return Err(Refusal::bad_value(&field.name)),
    };
    if value.as_array().is_some_and(|all| all.len() != names.len()) {
        return Err(Refusal::bad_value(&field.name));
    }
    let mut cell = Vec::new();
    for name in names {
        cell.extend(choice(field, name, typecast)?);
    }
    Ok((!cell.is_empty()).then_some(Value::Array(cell)))
}

/// An object that has at least one of `keys`.
fn object(value: &Value, keys: &[&str]) -> Option<Option<Value>> {
    let known = keys.iter().any(|key| value[*key].is_string());
    known.then(|| Some(value.clone()))
}
