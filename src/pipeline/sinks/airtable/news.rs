//! What of a call's row is not what was sent; for `replay`, which asks nobody but the database.

use serde_json::Value;

use super::row::{Memo, hash};
use crate::{
    airtable::{
        Schema,
        row::{Links, project},
    },
    domain::Call,
};

/// The columns whose cells are news to Airtable, in the schema's order. Links are renewed for reasons of their own, and
/// are left out.
pub fn news(call: &Call, schema: &Schema, sink_state: &Value) -> Vec<String> {
    let sink_state: Memo = serde_json::from_value(sink_state.clone()).unwrap_or_default();
    let cells = project(call, schema, &Links::default()).cells;
    let sent_otherwise = |name: &str, from: &str| {
        let cell = cells.get(name).unwrap_or(&Value::Null);
        let link = from.ends_with("_url")
            || from.starts_with("recording_url")
            || from == "recording_attachment";
        let refused = sink_state.refused.get(name);
        !link
            && refused.is_none_or(|(_, refused)| *refused != hash(cell))
            && match sink_state.sent.get(name) {
                Some((_, sent)) => *sent != hash(cell),
                None => !cell.is_null(),
            }
    };
    let columns = schema.enabled();
    let changed = columns.filter(|column| sent_otherwise(&column.name, &column.from));
    changed.map(|column| column.name.clone()).collect()
}
