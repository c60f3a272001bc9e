//! The parts of a body, parsed only when needed: a body may have 16 MiB, and as parsed JSON values it would take twenty
//! times as much memory. So only one turn at a time is such a value.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::bounded::Budget;

/// The maximum number of values in an item of a list.
pub(super) const MOST_VALUES: usize = 20_000;
/// The maximum number of fields of an object, beside those that are looked for.
const MOST_FIELDS: usize = 1_000;

/// The body is no transcript; the text says why, for the agent's developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableReport(pub String);

/// An object whose values are not parsed yet.
pub(super) type RawFields<'a> = BTreeMap<String, &'a RawValue>;

/// Parses a part of a body.
pub(super) fn part<'a, T: Deserialize<'a>>(body: &'a RawValue) -> Result<T, UnreadableReport> {
    serde_json::from_str(body.get()).map_err(wrong)
}

/// The fields of an object: those that `is_wanted` looks for, and a limited number of others.
pub(super) fn fields(
    body: &RawValue,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<RawFields<'_>, UnreadableReport> {
    let mut kept = RawFields::new();
    each_field(body, |name, value| {
        if kept.len() < MOST_FIELDS || is_wanted(&name) {
            kept.insert(name, value);
        }
    })?;
    Ok(kept)
}

/// Calls `each` with every field of an object, in the order of the text.
pub(super) fn each_field<'a>(
    body: &'a RawValue,
    each: impl FnMut(String, &'a RawValue),
) -> Result<(), UnreadableReport> {
    let mut object = serde_json::Deserializer::from_str(body.get());
    object.deserialize_map(Fields(each)).map_err(wrong)
}

/// Calls `each` with every item of a list, as text and parsed; keeps none of them in memory. An item that cannot be parsed
/// is null.
pub(super) fn items(
    list: &RawValue,
    each: impl FnMut(&RawValue, &Value),
) -> Result<(), UnreadableReport> {
    let mut list = serde_json::Deserializer::from_str(list.get());
    list.deserialize_seq(Items(each)).map_err(wrong)
}

/// Without line and column: they would count from the beginning of the part.
fn wrong(error: serde_json::Error) -> UnreadableReport {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let why = error.to_string();
    let why = why.trim_end_matches(&place);
    UnreadableReport(format!("the body cannot be parsed: {why}"))
}

/// Visits a list item by item.
struct Items<F>(F);

impl<'de, F: FnMut(&RawValue, &Value)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            let value = Budget::new(MOST_VALUES).value(item);
            self.0(item, &value.unwrap_or_default());
        }
        Ok(())
    }
}

/// Visits an object field by field.
struct Fields<F>(F);

impl<'de, F: FnMut(String, &'de RawValue)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            self.0(name, fields.next_value()?);
        }
        Ok(())
    }
}

/// Whether a list has items; they are not parsed.
pub(super) fn has_items(list: &RawValue) -> bool {
    let mut list = serde_json::Deserializer::from_str(list.get());
    list.deserialize_seq(Any).unwrap_or(false)
}

/// Whether a list has an item.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let any = items.next_element::<IgnoredAny>()?.is_some();
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(any)
    }
}

/// Whether the value is a JSON array.
pub(super) fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}
