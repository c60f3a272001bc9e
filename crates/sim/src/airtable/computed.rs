//! Computed fields: they follow from the record and its linked records. A value from the seed overrides them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::base::{Field, Place};
use super::formula::{Formula, Row};
use super::user::user;

/// How many computed fields may depend on each other in a row: they can form a circle.
const DEEPEST: usize = 8;

/// The cell of any field, stored or computed; None is an empty cell. `depth` counts the computed fields that led to this one.
pub(super) fn cell<'a>(place: Place<'a>, field: &Field, depth: usize) -> Option<Cow<'a, Value>> {
    let record = place.record;
    if let Some(stored) = record.cells.get(&field.id) {
        return Some(Cow::Borrowed(stored));
    }
    let value = match field.kind.as_str() {
        "createdTime" => json!(record.created),
        "lastModifiedTime" => json!(record.modified),
        "createdBy" | "lastModifiedBy" => user(),
        "autoNumber" => json!(record.number),
        "button" => json!({"label": field.name, "url": null}),
        "count" => json!(links(place, field)?.len()),
        "multipleLookupValues" | "lookup" if depth < DEEPEST => lookup(place, field, depth)?,
        "rollup" if depth < DEEPEST => {
            let values = lookup(place, field, depth);
            let text = field.option("formula").unwrap_or("ARRAYJOIN(values)");
            let formula = Formula::parse_rollup(text, place.table);
            evaluate(formula, place, values.as_ref(), depth)?
        }
        "formula" if depth < DEEPEST => {
            let formula = Formula::parse(field.option("formula")?, place.table);
            evaluate(formula, place, None, depth)?
        }
        _ => return None,
    };
    Some(Cow::Owned(value))
}

/// The ids in the link field that a count, lookup or rollup follows; None if its options name no link field.
fn links<'a>(place: Place<'a>, field: &Field) -> Option<&'a [Value]> {
    let cell = place.record.cells.get(field.option("recordLinkFieldId")?);
    Some(cell.and_then(Value::as_array).map_or(&[], Vec::as_slice))
}

/// The cells of the linked records in the looked-up field, with lists flattened; None if all are empty.
fn lookup(place: Place<'_>, field: &Field, depth: usize) -> Option<Value> {
    let link = place.table.field(field.option("recordLinkFieldId")?)?;
    let table = place.base.table(link.option("linkedTableId")?).ok()?;
    let wanted = table.field(field.option("fieldIdInLinkedTable")?)?;
    let mut found = Vec::new();
    for id in links(place, field)?.iter().filter_map(Value::as_str) {
        let Some(at) = table.position(id) else {
            continue;
        };
        let linked = Place {
            table,
            record: &table.records[at],
            ..place
        };
        match cell(linked, wanted, depth + 1).map(Cow::into_owned) {
            Some(Value::Array(items)) => found.extend(items),
            value => found.extend(value),
        }
    }
    (!found.is_empty()).then_some(Value::Array(found))
}

fn evaluate(
    formula: Result<Formula, String>,
    place: Place<'_>,
    values: Option<&Value>,
    depth: usize,
) -> Option<Value> {
    match formula {
        Ok(formula) => formula.cell(&row(place, depth + 1), values),
        Err(_) => Some(json!({"error": "#ERROR!"})),
    }
}

/// Whether the record passes a filter.
pub(super) fn matches(formula: &Formula, place: Place<'_>) -> bool {
    formula.matches(&row(place, 0))
}

fn row(place: Place<'_>, depth: usize) -> Row<'_> {
    Row {
        record: place.record,
        cell: Box::new(move |field| {
            let field = place.table.field(field)?;
            cell(place, field, depth).map(Cow::into_owned)
        }),
    }
}
