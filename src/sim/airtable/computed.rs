//! Fields that nobody writes: they follow from the record. What a seed holds for them stands, since lookups and rollups
//! are not followed here.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::base::{Field, Record, Table};
use super::formula::Formula;

/// The one user of a stand-in.
pub(super) fn user() -> Value {
    json!({"id": "usrSimulated00001", "email": "simulated@example.com", "name": "Simulated"})
}

/// How many formulas may ask for another: they can go round in a circle.
const DEEPEST: usize = 8;

/// The cell of a field, whoever fills it. `depth`: formulas on the way to this one.
pub(super) fn cell<'a>(
    table: &Table,
    field: &Field,
    record: &'a Record,
    depth: usize,
) -> Option<Cow<'a, Value>> {
    if let Some(stored) = record.cells.get(&field.id) {
        return Some(Cow::Borrowed(stored));
    }
    let option = |name: &str| field.options.as_ref()?[name].as_str();
    let value = match field.kind.as_str() {
        "createdTime" => json!(record.created),
        "lastModifiedTime" => json!(record.modified),
        "createdBy" | "lastModifiedBy" => user(),
        "autoNumber" => json!(record.number),
        "count" => {
            let links = record.cells.get(option("recordLinkFieldId")?);
            json!(links.and_then(Value::as_array).map_or(0, Vec::len))
        }
        "formula" if depth < DEEPEST => {
            let formula = Formula::parse(option("formula")?, table);
            formula.map_or_else(
                |_| Some(json!({"error": "#ERROR!"})),
                |formula| formula.value(table, record, depth + 1),
            )?
        }
        _ => return None,
    };
    Some(Cow::Owned(value))
}
