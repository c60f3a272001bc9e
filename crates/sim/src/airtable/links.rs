//! Links between records: they exist on both sides, and disappear with the record.

use std::sync::Arc;

use serde_json::{Value, json};

use super::base::{Base, Field};
use super::ids;
use super::refusal::Refusal;
use super::typecast::Typecast;

/// The type of fields that hold links.
pub(super) const LINKS: &str = "multipleRecordLinks";

/// Completes a new link field of a table and, if it links to another table, creates the inverse field there.
pub(super) fn establish(base: &mut Base, from: usize, field: Field) -> Result<(), Refusal> {
    let linked = field.option("linkedTableId").unwrap_or_default();
    let Some(to) = base.tables.iter().position(|t| t.id == linked) else {
        let message = format!(
            "Invalid options for {}: there is no table {linked} to link to",
            field.name
        );
        let kind = "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE";
        return Err(Refusal::invalid(kind, message));
    };
    let mut options = json!({
        "linkedTableId": linked, "isReversed": false, "prefersSingleRecordLink": false,
    });
    if to != from {
        let (back, name) = (ids::fresh("fld"), base.tables[from].name.clone());
        options["inverseLinkFieldId"] = json!(back);
        let inverse = json!({
            "linkedTableId": base.tables[from].id, "isReversed": false, "prefersSingleRecordLink": false,
            "inverseLinkFieldId": field.id,
        });
        let fields = &mut base.tables[to].fields;
        fields.push(Field {
            id: back,
            name: free_name(fields, &name),
            kind: LINKS.to_owned(),
            description: None,
            options: Some(inverse),
        });
    }
    if let Some(made) = base.tables[from].field_mut(&field.id) {
        made.options = Some(options);
    }
    Ok(())
}

/// The name, with a number appended if a field has it already.
fn free_name(fields: &[Field], name: &str) -> String {
    let taken = |name: &String| {
        fields
            .iter()
            .any(|f| f.name.to_lowercase() == name.to_lowercase())
    };
    let mut names = (2..).map(|n| format!("{name} {n}"));
    match taken(&name.to_owned()) {
        true => names.find(|name| !taken(name)).unwrap_or_default(),
        false => name.to_owned(),
    }
}

/// Reads a cell of links from ids of records of the linked table. With `typecast` other texts are names of records (their
/// primary cell), which are created if they do not exist.
pub(super) fn accept(
    base: &mut Base,
    field: &Field,
    value: &Value,
    typecast: Typecast,
) -> Result<Option<Value>, Refusal> {
    let refused = || Refusal::bad_value(&field.name);
    let wanted: Vec<&str> = match value {
        Value::Null => return Ok(None),
        Value::String(names) if typecast.is_on() => names.split(',').map(str::trim).collect(),
        Value::Array(all) => {
            let texts: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            texts.ok_or_else(refused)?
        }
        _ => return Err(refused()),
    };
    let table = field.option("linkedTableId");
    let table = table.and_then(|id| base.table_at(id).ok());
    let mut links: Vec<String> = Vec::new();
    for text in wanted.into_iter().filter(|text| !text.is_empty()) {
        let link = match (ids::is_id(text, "rec"), table) {
            (true, Some(table)) => existing(base, table, text)?,
            // A field of the seed that names no linked table.
            (true, None) => text.to_owned(),
            (false, Some(table)) if typecast.is_on() => named(base, table, text),
            (false, _) => return Err(refused()),
        };
        if !links.contains(&link) {
            links.push(link);
        }
    }
    Ok((!links.is_empty()).then(|| json!(links)))
}

fn existing(base: &Base, table: usize, id: &str) -> Result<String, Refusal> {
    if base.tables[table].position(id).is_some() {
        return Ok(id.to_owned());
    }
    let elsewhere = base.tables.iter().find(|t| t.position(id).is_some());
    Err(match elsewhere {
        Some(other) => Refusal::wrong_table(id, &other.id, &base.tables[table].id),
        None => Refusal::missing_row(id),
    })
}

/// The id of the first record with this name, or of a new one.
fn named(base: &mut Base, table: usize, name: &str) -> String {
    let table = &mut base.tables[table];
    let primary = table.primary_field.clone();
    let has_name = |record: &&Arc<_>| is(record, &primary, name);
    if let Some(record) = table.records.iter().find(has_name) {
        return record.id.clone();
    }
    let at = table.add();
    let record = Arc::make_mut(&mut table.records[at]);
    record.cells.insert(primary, json!(name));
    record.id.clone()
}

fn is(record: &super::base::Record, primary: &str, name: &str) -> bool {
    record.cells.get(primary).is_some_and(|cell| cell == name)
}

/// Updates the other sides of added and removed links after a record's cell of links has changed.
pub(super) fn mirror(
    base: &mut Base,
    field: &Field,
    record: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) {
    let inverse = field.option("inverseLinkFieldId").map(str::to_owned);
    let table = field.option("linkedTableId");
    let table = table.and_then(|id| base.table_at(id).ok());
    let (Some(inverse), Some(table)) = (inverse, table) else {
        return;
    };
    let table = &mut base.tables[table];
    if table.field(&inverse).is_none() {
        return;
    }
    let (before, after) = (texts(before), texts(after));
    for id in before.iter().chain(&after) {
        let (was, is) = (before.contains(id), after.contains(id));
        let Some(at) = table.position(id).filter(|_| was != is) else {
            continue;
        };
        let cells = &mut Arc::make_mut(&mut table.records[at]).cells;
        let mut back = texts(cells.get(&inverse));
        back.retain(|link| link != record);
        if is {
            back.push(record.to_owned());
        }
        match back.is_empty() {
            true => cells.remove(&inverse),
            false => cells.insert(inverse.clone(), json!(back)),
        };
    }
}

/// Removes every link to deleted records of a table.
pub(super) fn forget(base: &mut Base, table: &str, gone: &[String]) {
    for other in &mut base.tables {
        let leads_there = |f: &&Field| f.kind == LINKS && f.option("linkedTableId") == Some(table);
        let fields = other.fields.iter().filter(leads_there);
        for field in fields.map(|f| f.id.clone()).collect::<Vec<_>>() {
            for record in &mut other.records {
                let mut links = texts(record.cells.get(&field));
                if !links.iter().any(|link| gone.contains(link)) {
                    continue;
                }
                links.retain(|link| !gone.contains(link));
                let cells = &mut Arc::make_mut(record).cells;
                match links.is_empty() {
                    true => cells.remove(&field),
                    false => cells.insert(field.clone(), json!(links)),
                };
            }
        }
    }
}

fn texts(cell: Option<&Value>) -> Vec<String> {
    let links = cell.and_then(Value::as_array).into_iter().flatten();
    links.filter_map(Value::as_str).map(str::to_owned).collect()
}
