//! Writing records: create, update (with or without upsert), delete. Each request is checked on a draft of the table first, so it
//! does all of its work or none.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::base::Table;
use super::refusal::{Outcome, Refusal};
use super::{ids, types, upsert};

/// Records in one request, as documented.
const MOST_RECORDS: usize = 10;

/// `POST`: `{"fields"}` makes one record, `{"records":[{"fields"}]}` up to ten.
pub(super) fn create(table: &mut Table, body: &Value, by_id: bool) -> Outcome {
    let by_id = by_id || flag(body, "returnFieldsByFieldId");
    let typecast = flag(body, "typecast");
    let mut draft = table.clone();
    let answer = if body.get("records").is_some() {
        let mut made = Vec::new();
        for row in batch(body)? {
            let at = insert(&mut draft, fields(row)?, typecast)?;
            made.push(draft.print(&draft.records[at], by_id, None));
        }
        json!({"records": made})
    } else {
        let at = insert(&mut draft, fields(body)?, typecast)?;
        draft.print(&draft.records[at], by_id, None)
    };
    *table = draft;
    Ok(answer)
}

/// `PATCH` and `PUT` of one record. A missing one looks like a missing right.
pub(super) fn update_one(
    table: &mut Table,
    id: &str,
    body: &Value,
    replace: bool,
    by_id: bool,
) -> Outcome {
    let at = table.position(id).ok_or_else(Refusal::forbidden)?;
    let mut draft = table.clone();
    set(
        &mut draft,
        at,
        fields(body)?,
        flag(body, "typecast"),
        replace,
    )?;
    *table = draft;
    let by_id = by_id || flag(body, "returnFieldsByFieldId");
    Ok(table.print(&table.records[at], by_id, None))
}

/// `PATCH` and `PUT` of up to ten, by id or, with `performUpsert`, by the fields to merge on.
pub(super) fn update(table: &mut Table, body: &Value, replace: bool, by_id: bool) -> Outcome {
    let by_id = by_id || flag(body, "returnFieldsByFieldId");
    let typecast = flag(body, "typecast");
    let merge_on = body
        .get("performUpsert")
        .map(|asked| upsert::merge_fields(table, asked));
    let merge_on = merge_on.transpose()?;
    let mut draft = table.clone();
    let (mut touched, mut created) = (Vec::new(), Vec::new());
    for row in batch(body)? {
        let cells = fields(row)?;
        let (at, is_new) = match (row["id"].as_str(), &merge_on) {
            (Some(id), _) => {
                let found = draft.position(id);
                (found.ok_or_else(|| Refusal::missing_row(id))?, false)
            }
            (None, Some(keys)) => match upsert::matching(&mut draft, keys, cells, typecast)? {
                Some(at) => (at, false),
                None => (insert(&mut draft, cells, typecast)?, true),
            },
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
            set(&mut draft, at, cells, typecast, replace)?;
        }
    }
    *table = draft;
    let id = |at: &usize| table.records[*at].id.clone();
    let print = |at: &usize| table.print(&table.records[*at], by_id, None);
    let mut answer = json!({"records": touched.iter().map(print).collect::<Vec<_>>()});
    if merge_on.is_some() {
        let updated = touched.iter().filter(|at| !created.contains(at));
        answer["updatedRecords"] = updated.map(id).collect();
        answer["createdRecords"] = created.iter().map(id).collect();
    }
    Ok(answer)
}

pub(super) fn delete_one(table: &mut Table, id: &str) -> Outcome {
    let at = table.position(id).ok_or_else(Refusal::forbidden)?;
    table.records.remove(at);
    Ok(json!({"id": id, "deleted": true}))
}

/// `DELETE …?records[]=rec…&records[]=rec…`.
pub(super) fn delete(table: &mut Table, gone: &[String]) -> Outcome {
    if gone.is_empty() || gone.len() > MOST_RECORDS {
        return Err(bad_batch());
    }
    if let Some(missing) = gone.iter().find(|id| table.position(id).is_none()) {
        return Err(Refusal::missing_row(missing));
    }
    table.records.retain(|record| !gone.contains(&record.id));
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

pub(super) fn flag(body: &Value, name: &str) -> bool {
    body[name] == true || body[name] == "true" || body[name] == "1"
}

fn insert(table: &mut Table, cells: &Map<String, Value>, typecast: bool) -> Result<usize, Refusal> {
    let at = table.add();
    set(table, at, cells, typecast, false)?;
    Arc::make_mut(&mut table.records[at]).modified = None;
    Ok(at)
}

/// Sets cells; with `replace` those that the request does not name become empty, computed ones aside.
fn set(
    table: &mut Table,
    at: usize,
    cells: &Map<String, Value>,
    typecast: bool,
    replace: bool,
) -> Result<(), Refusal> {
    let before = table.records[at].cells.clone();
    let mut after = before.clone();
    if replace {
        let computed = |id: &String| {
            table
                .field(id)
                .is_some_and(|f| !types::is_writable(&f.kind))
        };
        after.retain(|id, _| computed(id));
    }
    for (name, value) in cells {
        let field = table
            .field_mut(name)
            .ok_or_else(|| Refusal::unknown_field(name))?;
        let (id, is_attachments) = (field.id.clone(), field.kind == "multipleAttachments");
        match types::accept(field, value, before.get(&id), typecast)? {
            Some(value) => {
                if is_attachments {
                    table.to_fetch.extend(unfetched(&value, before.get(&id)));
                }
                after.insert(id, value);
            }
            None => {
                after.remove(&id);
            }
        }
    }
    let record = Arc::make_mut(&mut table.records[at]);
    record.cells = after;
    record.modified = Some(ids::now());
    Ok(())
}

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
