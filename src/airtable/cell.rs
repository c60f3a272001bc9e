//! Converts a value to a cell of its column: values from agents, rooms and participants are text, numbers, lists or
//! objects of any kind, and Airtable rejects an entire request because of one cell of the wrong type.

use serde_json::{Value, json};

use super::convert::{boolean, date, date_time, number, plain, rating};
use super::field_type::FieldType;
use crate::domain::transcript;

/// Airtable accepts 100,000 characters per cell and does not document the unit; UTF-16 units are the safest
/// interpretation.
pub(super) const LONGEST: usize = 99_000;
const CUT_NOTE: &str = "[… cut here: an Airtable cell cannot hold more]";

/// A cell, and why its value is incomplete. Null clears a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// What is sent.
    pub(super) value: Value,
    /// The end of a sentence that starts with the value's source: `is not a number`.
    pub(super) invalid: Option<&'static str>,
}

/// What `value` is in a cell of a column of this type. A value that does not fit leaves the cell empty.
pub(super) fn fit(kind: FieldType, options: &Value, value: Value) -> Cell {
    if value.is_null() || value == "" {
        return Cell::valid(Value::Null);
    }
    let (found, wanted) = match kind {
        FieldType::Number | FieldType::Percent | FieldType::Currency | FieldType::Duration => {
            (number(&value), "is not a number")
        }
        FieldType::Rating => (
            rating(&value, options),
            "is not a whole number in the rating's range",
        ),
        FieldType::Checkbox => (boolean(&value), "is neither true nor false"),
        FieldType::Date => (date(&value), "is not a date"),
        FieldType::DateTime => (date_time(&value, options), "is not a date and time"),
        FieldType::SingleSelect => (
            choice(&plain(&value), options).map(Value::from),
            "is not one of the choices in the schema file",
        ),
        FieldType::MultipleSelects => return choices(&value, options),
        FieldType::MultipleAttachments => return Cell::valid(value),
        FieldType::SingleLineText
        | FieldType::MultilineText
        | FieldType::RichText
        | FieldType::Email
        | FieldType::Url
        | FieldType::PhoneNumber => return Cell::valid(cut(plain(&value)).into()),
    };
    found.map_or(Cell::invalid(wanted), Cell::valid)
}

impl Cell {
    fn valid(value: Value) -> Cell {
        let invalid = None;
        Cell { value, invalid }
    }

    fn invalid(why: &'static str) -> Cell {
        Cell {
            value: Value::Null,
            invalid: Some(why),
        }
    }
}

fn cut(text: String) -> String {
    transcript::cut(&text, LONGEST, CUT_NOTE).unwrap_or(text)
}

/// The choice as the schema spells it: exact match first, then ignoring case.
fn choice(text: &str, options: &Value) -> Option<String> {
    let named = || options["choices"].as_array().into_iter().flatten();
    let names = || named().filter_map(|choice| choice["name"].as_str());
    let (text, lower) = (text.trim(), text.trim().to_lowercase());
    let found = names().find(|name| *name == text);
    let found = found.or_else(|| names().find(|name| name.to_lowercase() == lower));
    found.map(str::to_owned)
}

/// A list, or text that contains one, as JSON or separated by commas. Values that are not choices are omitted.
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
        invalid: (!all).then_some("contains values that are not choices in the schema file"),
    }
}

#[cfg(test)]
mod tests;
