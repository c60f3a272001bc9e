//! `performUpsert`: which record a row without an id refers to.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::base::{Record, Table};
use super::cells::Wanted;
use super::refusal::Refusal;
use super::typecast::Typecast;
use super::types;

/// The ids of the fields in `fieldsToMergeOn`: 1 to 3, of types that Airtable merges on.
pub(super) fn merge_fields(table: &Table, upsert: &Value) -> Result<Vec<String>, Refusal> {
    let invalid = |message: String| Refusal::invalid("INVALID_REQUEST_UNKNOWN", message);
    let names = upsert["fieldsToMergeOn"].as_array();
    let names = names.filter(|names| (1..=3).contains(&names.len()));
    let names =
        names.ok_or_else(|| invalid("fieldsToMergeOn must name 1 to 3 fields".to_owned()))?;
    let mut ids = Vec::new();
    for name in names {
        let name = name.as_str().unwrap_or_default();
        let field = table
            .field(name)
            .ok_or_else(|| Refusal::unknown_field(name))?;
        if !types::is_mergeable(&field.kind) {
            let message = format!(
                "Field \"{}\" cannot be used in fieldsToMergeOn: its type is {}",
                field.name, field.kind
            );
            return Err(invalid(message));
        }
        ids.push(field.id.clone());
    }
    Ok(ids)
}

/// The record that has the row's values in all key fields; no record matches an empty value. A row that does not name all key
/// fields is refused, and so is one that several records match.
pub(super) fn matching(
    table: &mut Table,
    keys: &[String],
    row: &Map<String, Value>,
    typecast: Typecast,
) -> Result<Option<usize>, Refusal> {
    let mut wanted = Vec::new();
    for key in keys {
        let Some(field) = table.field_mut(key) else {
            continue;
        };
        let value = row.get(&field.name).or_else(|| row.get(&field.id));
        let missing = || {
            let message = format!("Field \"{}\" of fieldsToMergeOn has no value", field.name);
            Refusal::invalid("INVALID_REQUEST_UNKNOWN", message)
        };
        let value = value.ok_or_else(missing)?;
        let Some(value) = types::accept(field, value, None, typecast)? else {
            return Ok(None);
        };
        wanted.push(Wanted::new(key, value));
    }
    let has_all = |r: &Arc<Record>| wanted.iter().all(|wanted| r.cells.has(wanted));
    let mut found = table
        .records
        .iter()
        .enumerate()
        .filter(|(_, r)| has_all(r))
        .map(|(at, _)| at);
    let first = found.next();
    if found.next().is_some() {
        let message = "Cannot upsert: more than one record matches the values of fieldsToMergeOn";
        return Err(Refusal::invalid("INVALID_RECORDS", message));
    }
    Ok(first)
}
