//! The parts of a body, parsed only when needed: a body may have 16 MiB, and as parsed JSON values it would take twenty
//! times as much memory. So only one turn at a time is such a value.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

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

/// Calls `each` with every item of a list; keeps none of them in memory.
pub(super) fn items(list: &RawValue, each: impl FnMut(&Value)) -> Result<(), UnreadableReport> {
    let mut list = serde_json::Deserializer::from_str(list.get());
    list.deserialize_seq(Each(each)).map_err(wrong)
}

/// Without line and column: they would count from the beginning of the part.
fn wrong(error: serde_json::Error) -> UnreadableReport {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let why = error.to_string();
    let why = why.trim_end_matches(&place);
    UnreadableReport(format!("the body cannot be parsed: {why}"))
}

/// Visits a list item by item.
struct Each<F>(F);

impl<'de, F: FnMut(&Value)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            self.0(&item);
        }
        Ok(())
    }
}

/// Whether the value is a JSON array.
pub(super) fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}
