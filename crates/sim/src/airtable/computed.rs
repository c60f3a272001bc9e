//! Fields that nobody writes: they follow from the record and what it is linked to. What a seed holds for them stands.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::base::{Field, Place};
use super::formula::Formula;

/// The one user of a stand-in.
pub(super) fn user() -> Value {
    json!({"id": "usrSimulated00001", "email": "simulated@example.com", "name": "Simulated"})
}

/// How many computed fields may ask for another: they can go round in a circle.
const DEEPEST: usize = 8;

/// The cell of a field, whoever fills it. `depth`: computed fields on the way to this one.
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

/// The ids in the link field that a count, lookup or rollup follows. None: it has none to follow.
fn links<'a>(place: Place<'a>, field: &Field) -> Option<&'a [Value]> {
    let cell = place.record.cells.get(field.option("recordLinkFieldId")?);
    Some(cell.and_then(Value::as_array).map_or(&[], Vec::as_slice))
}

/// What the linked records have in the field that is looked up, lists unfolded; None if they all have nothing.
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
        Ok(formula) => formula.cell(place, values, depth + 1),
        Err(_) => Some(json!({"error": "#ERROR!"})),
    }
}
