//! Whether two cells of a column have the same value: Airtable writes some values differently from how they were sent.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{convert::iso, field_type::FieldType};

/// How far two numbers of the same value may be apart, in proportion.
const ROUNDING: f64 = 1e-9;

/// Whether a cell that was sent and one that was read have the same value. Airtable leaves out empty cells, gives times in
/// milliseconds, and sorts choices.
pub fn is_same(kind: FieldType, sent: &Value, read: &Value) -> bool {
    if is_empty(sent) || is_empty(read) {
        return is_empty(sent) && is_empty(read);
    }
    match kind {
        FieldType::DateTime => match (time(sent), time(read)) {
            (Some(sent), Some(read)) => sent == read,
            _ => sent == read,
        },
        FieldType::MultipleSelects => choices(sent) == choices(read),
        _ => match (sent, read) {
            (Value::Number(_), Value::Number(_)) => is_near(sent, read),
            (Value::String(sent), Value::String(read)) => sent.trim() == read.trim(),
            _ => sent == read,
        },
    }
}

/// A cell that was read, in the form in which it is sent.
pub fn as_sent(kind: FieldType, read: &Value) -> Value {
    match time(read).filter(|_| kind == FieldType::DateTime) {
        Some(at) => iso(at),
        None => read.clone(),
    }
}

fn is_empty(cell: &Value) -> bool {
    match cell {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn time(cell: &Value) -> Option<Timestamp> {
    cell.as_str()?.parse().ok()
}

fn choices(cell: &Value) -> BTreeSet<&str> {
    let items = cell.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

fn is_near(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else {
        return a == b;
    };
    (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_as_airtable_gives_them_back() {
        for (kind, sent, read, same) in [
            (FieldType::SingleLineText, json!(null), json!(null), true),
            (FieldType::SingleLineText, json!("a"), json!(null), false),
            (FieldType::MultilineText, json!("a\n"), json!("a"), true),
            (FieldType::Checkbox, json!(false), json!(null), true),
            (
                FieldType::DateTime,
                json!("2026-01-01T10:00:00Z"),
                json!("2026-01-01T10:00:00.000Z"),
                true,
            ),
            (
                FieldType::DateTime,
                json!("2026-01-01T10:00:00Z"),
                json!("2026-01-01T10:00:01.000Z"),
                false,
            ),
            (FieldType::Duration, json!(61.0), json!(61), true),
            (FieldType::Number, json!(0.667), json!(0.668), false),
            (
                FieldType::MultipleSelects,
                json!(["a", "b"]),
                json!(["b", "a"]),
                true,
            ),
            (
                FieldType::SingleSelect,
                json!("Live"),
                json!("Complete"),
                false,
            ),
        ] {
            assert_eq!(is_same(kind, &sent, &read), same, "{kind:?} {sent} {read}");
        }
    }
}
