//! Writing records: create, update (with or without upsert), delete. The caller passes a draft of the base, which it drops when
//! the request is refused.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::base::{Base, Field};
use super::links::{self, LINKS};
use super::print::{self, FieldKeys};
use super::refusal::{Outcome, Refusal};
use super::typecast::Typecast;
use super::{ids, types, upsert};

/// Records in one request, as documented.
const MOST_RECORDS: usize = 10;

/// What happens to the cells that an update does not name: `PATCH` keeps them, `PUT` clears them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateMode {
    Merge,
    Replace,
}

/// `POST`: `{"fields"}` creates one record, `{"records":[{"fields"}]}` up to ten.
pub(super) fn create(base: &mut Base, table: usize, body: &Value, keys: FieldKeys) -> Outcome {
    let (keys, typecast) = (keys_of(body, keys), Typecast::of(body));
    if body.get("records").is_none() {
        let at = insert(base, table, fields(body)?, typecast)?;
        return Ok(print::record(base.place(table, at), keys, None));
    }
    let mut made = Vec::new();
    for row in batch(body)? {
        made.push(insert(base, table, fields(row)?, typecast)?);
    }
    let print = |at| print::record(base.place(table, at), keys, None);
    Ok(json!({"records": made.into_iter().map(print).collect::<Vec<_>>()}))
}

/// `PATCH` and `PUT` of one record. A missing one is refused like a missing permission.
pub(super) fn update_one(
    base: &mut Base,
    (table, id): (usize, &str),
    body: &Value,
    mode: UpdateMode,
    keys: FieldKeys,
) -> Outcome {
    let at = base.tables[table].position(id);
    let at = at.ok_or_else(Refusal::forbidden)?;
    set(base, (table, at), fields(body)?, Typecast::of(body), mode)?;
    let keys = keys_of(body, keys);
    Ok(print::record(base.place(table, at), keys, None))
}

/// `PATCH` and `PUT` of up to ten records, by id or, with `performUpsert`, by the fields to merge on.
pub(super) fn update(
    base: &mut Base,
    table: usize,
    body: &Value,
    mode: UpdateMode,
    keys: FieldKeys,
) -> Outcome {
    let typecast = Typecast::of(body);
    let merge_on = body
        .get("performUpsert")
        .map(|asked| upsert::merge_fields(&base.tables[table], asked));
    let merge_on = merge_on.transpose()?;
    let (mut touched, mut created) = (Vec::new(), Vec::new());
    for row in batch(body)? {
        let cells = fields(row)?;
        let (at, is_new) = match (row["id"].as_str(), &merge_on) {
            (Some(id), _) => {
                let found = base.tables[table].position(id);
                (found.ok_or_else(|| Refusal::missing_row(id))?, false)
            }
            (None, Some(keys)) => {
                match upsert::matching(&mut base.tables[table], keys, cells, typecast)? {
                    Some(at) => (at, false),
                    None => (insert(base, table, cells, typecast)?, true),
                }
            }
            (None, None) => return Err(bad_batch()),
        };
        if touched.contains(&at) {
            let message = "You cannot update the same record multiple times in a single request";
            return Err(Refusal::invalid("INVALID_RECORDS", message));
        }
        touched.push(at);
        if is_new {
            created.push(at);
        } else {
            set(base, (table, at), cells, typecast, mode)?;
        }
    }
    let keys = keys_of(body, keys);
    let id = |at: &usize| base.tables[table].records[*at].id.clone();
    let print = |at: &usize| print::record(base.place(table, *at), keys, None);
    let mut answer = json!({"records": touched.iter().map(print).collect::<Vec<_>>()});
    if merge_on.is_some() {
        let updated = touched.iter().filter(|at| !created.contains(at));
        answer["updatedRecords"] = updated.map(id).collect();
        answer["createdRecords"] = created.iter().map(id).collect();
    }
    Ok(answer)
}

/// `DELETE` of one record. A missing one is refused like a missing permission.
pub(super) fn delete_one(base: &mut Base, table: usize, id: &str) -> Outcome {
    let table = &mut base.tables[table];
    let at = table.position(id).ok_or_else(Refusal::forbidden)?;
    table.records.remove(at);
    let table = table.id.clone();
    links::forget(base, &table, &[id.to_owned()]);
    Ok(json!({"id": id, "deleted": true}))
}

/// `DELETE …?records[]=rec…&records[]=rec…`.
pub(super) fn delete(base: &mut Base, table: usize, gone: &[String]) -> Outcome {
    let table = &mut base.tables[table];
    if gone.is_empty() || gone.len() > MOST_RECORDS {
        return Err(bad_batch());
    }
    if let Some(missing) = gone.iter().find(|id| table.position(id).is_none()) {
        return Err(Refusal::missing_row(missing));
    }
    table.records.retain(|record| !gone.contains(&record.id));
    let table = table.id.clone();
    links::forget(base, &table, gone);
    let answers: Vec<Value> = gone
        .iter()
        .map(|id| json!({"id": id, "deleted": true}))
        .collect();
    Ok(json!({"records": answers}))
}

fn batch(body: &Value) -> Result<&Vec<Value>, Refusal> {
    body["records"]
        .as_array()
        .filter(|rows| (1..=MOST_RECORDS).contains(&rows.len()))
        .ok_or_else(bad_batch)
}

fn bad_batch() -> Refusal {
    let message = "You must provide an array of up to 10 record objects, each with a \"fields\" object for cell values \
                   and, to update it, its \"id\".";
    Refusal::invalid("INVALID_RECORDS", message)
}

fn fields(row: &Value) -> Result<&Map<String, Value>, Refusal> {
    let missing = || {
        let message = "Could not find field \"fields\" in the request body";
        Refusal::invalid("INVALID_REQUEST_MISSING_FIELDS", message)
    };
    row["fields"].as_object().ok_or_else(missing)
}

/// `returnFieldsByFieldId` of a query string or a body.
pub(super) fn field_keys(query: &Value) -> FieldKeys {
    keys_of(query, FieldKeys::Names)
}

fn keys_of(body: &Value, otherwise: FieldKeys) -> FieldKeys {
    let asked = &body["returnFieldsByFieldId"];
    match *asked == true || *asked == "true" || *asked == "1" {
        true => FieldKeys::Ids,
        false => otherwise,
    }
}

fn insert(
    base: &mut Base,
    table: usize,
    cells: &Map<String, Value>,
    typecast: Typecast,
) -> Result<usize, Refusal> {
    if base.tables[table].permissions.no_creates {
        let table = &base.tables[table];
        return Err(Refusal::locked("table", &table.name, &table.id));
    }
    if base.is_full() {
        return Err(match &base.full_words {
            Some((kind, message)) => Refusal::invalid(kind, message.as_str()),
            None => Refusal::base_is_full(),
        });
    }
    let at = base.tables[table].add();
    set(base, (table, at), cells, typecast, UpdateMode::Merge)?;
    Arc::make_mut(&mut base.tables[table].records[at]).modified = None;
    Ok(at)
}

/// Sets cells, updates the other sides of changed links, and queues new attachments for fetching.
fn set(
    base: &mut Base,
    (at, row): (usize, usize),
    cells: &Map<String, Value>,
    typecast: Typecast,
    mode: UpdateMode,
) -> Result<(), Refusal> {
    let table = &mut base.tables[at];
    let before = table.records[row].cells.clone();
    let locked = table.permissions.locked_fields.clone();
    let mut after = before.clone();
    if mode == UpdateMode::Replace {
        let computed = |id: &String| {
            table
                .field(id)
                .is_some_and(|f| !types::is_writable(&f.kind))
        };
        after.retain(|id, _| computed(id));
    }
    for (name, value) in cells {
        let table = &mut base.tables[at];
        let field = table
            .field_mut(name)
            .ok_or_else(|| Refusal::unknown_field(name))?;
        let (id, current) = (field.id.clone(), before.get(&field.id));
        if locked.contains(&id) {
            return Err(Refusal::locked("field", &field.name, &id));
        }
        let cell = match field.kind.as_str() {
            LINKS => {
                let field = field.clone();
                links::accept(base, &field, value, typecast)?
            }
            "multipleAttachments" => {
                let cell = types::accept(field, value, current, typecast)?;
                let new = cell.iter().flat_map(|cell| unfetched(cell, current));
                table.to_fetch.extend(new);
                cell
            }
            _ => types::accept(field, value, current, typecast)?,
        };
        match cell {
            Some(cell) => after.insert(id, cell),
            None => after.remove(&id),
        };
    }
    let record = Arc::make_mut(&mut base.tables[at].records[row]);
    record.cells = after.clone();
    record.modified = Some(ids::now());
    let id = record.id.clone();
    let fields = base.tables[at].fields.iter();
    let changed = |f: &&Field| f.kind == LINKS && before.get(&f.id) != after.get(&f.id);
    for field in fields.filter(changed).cloned().collect::<Vec<_>>() {
        let (before, after) = (before.get(&field.id), after.get(&field.id));
        links::mirror(base, &field, &id, before, after);
    }
    Ok(())
}

/// The attachments (id, URL) of a cell that it did not have before.
fn unfetched(cell: &Value, before: Option<&Value>) -> Vec<(String, String)> {
    let before = before.and_then(Value::as_array);
    let is_new = |item: &&Value| before.is_none_or(|old| old.iter().all(|a| a["id"] != item["id"]));
    let parts = |item: &Value| {
        Some((
            item["id"].as_str()?.to_owned(),
            item["url"].as_str()?.to_owned(),
        ))
    };
    let items = cell.as_array().into_iter().flatten();
    items.filter(is_new).filter_map(parts).collect()
}
