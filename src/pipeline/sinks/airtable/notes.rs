//! The lines of Error that are no fault of the call's own: which of its values Airtable rejects.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::airtable::Schema;

/// Adds lines to the cell of the column for errors, if the schema has one.
pub(super) fn append(cells: &mut Map<String, Value>, schema: &Schema, notes: &[String]) {
    let Some(error) = schema.error().filter(|_| !notes.is_empty()) else {
        return;
    };
    let own = cells.get(&error.name).and_then(Value::as_str);
    let own = own.map(str::to_owned).into_iter();
    let lines: Vec<String> = own.chain(notes.iter().cloned()).collect();
    cells.insert(error.name.clone(), Value::String(lines.join("\n")));
}

/// Of columns that take no values of ours; `None` without any.
pub(super) fn disabled<'a>(columns: impl Iterator<Item = &'a String>) -> Option<String> {
    let names = quoted(columns)?;
    Some(format!(
        "Airtable rejects our values for {names}: the column was changed. `livekit-airtable bootstrap` shows how to fix it."
    ))
}

/// The line about locked columns; `None` without any.
pub(super) fn locked<'a>(columns: impl Iterator<Item = &'a String>) -> Option<String> {
    let columns: Vec<&String> = columns.collect();
    let names = quoted(columns.iter().copied())?;
    let (them, menu) = match columns.len() {
        1 => ("it", "the column's menu"),
        _ => ("them", "the menu of each column"),
    };
    Some(format!(
        "Airtable does not let AIRTABLE_TOKEN's user edit {names}, so the row is written without {them}: open {menu} in Airtable, choose \
         \"Edit field permissions\", and let that user edit values."
    ))
}

/// Of columns for which Airtable refused this call's values; `None` without any.
pub(super) fn refused<'a>(columns: impl Iterator<Item = &'a String>) -> Option<String> {
    let names = quoted(columns)?;
    Some(format!(
        "Airtable rejects this call's value for {names}; the previous value is kept."
    ))
}

/// Of a full transcript that is not in the bucket.
pub(super) fn transcript_missing(error: &str) -> String {
    format!("The full transcript could not be put into the bucket: {error}. It will be retried.")
}

/// Of a row whose links were revoked (`calls unlink`).
pub(super) fn links_revoked(call_id: &str, at: Timestamp) -> String {
    format!(
        "The links of this call were revoked on {}. `livekit-airtable calls link {call_id}` prints a new one.",
        at.strftime("%F at %T UTC")
    )
}

/// A list within a sentence; `None` if it is empty.
fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("“{name}”")).collect();
    Some(names.join(", ")).filter(|names| !names.is_empty())
}
