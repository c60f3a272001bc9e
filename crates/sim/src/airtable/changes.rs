//! The difference that a write makes to the records of a base.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::base::{Base, Record, Table};

/// Changes by table id; unchanged tables are absent.
pub(super) struct Changes(BTreeMap<String, Changed>);

#[derive(Default)]
struct Changed {
    created: Vec<Arc<Record>>,
    /// Before and after.
    changed: Vec<(Arc<Record>, Arc<Record>)>,
    destroyed: Vec<String>,
}

/// The changes between two states of a base.
pub(super) fn between(before: &Base, after: &Base) -> Changes {
    let mut changes = BTreeMap::new();
    for table in &after.tables {
        let old = before.tables.iter().find(|old| old.id == table.id);
        if let Some(changed) = old.and_then(|old| of_table(old, table)) {
            changes.insert(table.id.clone(), changed);
        }
    }
    Changes(changes)
}

fn of_table(old: &Table, new: &Table) -> Option<Changed> {
    let same = |(a, b): (&Arc<Record>, &Arc<Record>)| Arc::ptr_eq(a, b);
    if old.records.len() == new.records.len() && old.records.iter().zip(&new.records).all(same) {
        return None;
    }
    let (before, after) = (others(old, new), others(new, old));
    let mut changed = Changed::default();
    let known: HashMap<&str, &Arc<Record>> = before.iter().map(|r| (&*r.id, *r)).collect();
    for record in after.iter().copied() {
        match known.get(&*record.id) {
            None => changed.created.push(record.clone()),
            Some(old) if Arc::ptr_eq(old, record) || old.cells == record.cells => {}
            Some(old) => changed.changed.push(((*old).clone(), record.clone())),
        }
    }
    let left: HashSet<&str> = after.iter().map(|r| &*r.id).collect();
    let gone = before.iter().filter(|r| !left.contains(&*r.id));
    changed.destroyed = gone.map(|r| r.id.clone()).collect();
    Some(changed)
}

/// The records that are not at the same place in the other table.
fn others<'a>(table: &'a Table, other: &Table) -> Vec<&'a Arc<Record>> {
    let records = table.records.iter().enumerate();
    let is_other = |at: usize, record: &Arc<Record>| {
        let same = other.records.get(at);
        same.is_none_or(|same| !Arc::ptr_eq(same, record))
    };
    let others = records.filter(|(at, record)| is_other(*at, record));
    others.map(|(_, record)| record).collect()
}

impl Changes {
    /// Whether no record changed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `changedTablesById` of a webhook's payload; None if its filters leave nothing.
    pub(super) fn printed(&self, filters: &Value, includes: &Value) -> Option<Value> {
        let takes = |name: &str, value: &str| match &filters[name] {
            Value::Array(all) => all.is_empty() || all.iter().any(|one| one == value),
            _ => true,
        };
        if !takes("dataTypes", "tableData") || !takes("fromSources", "publicApi") {
            return None;
        }
        let scope = filters["recordChangeScope"].as_str();
        let mut tables = Map::new();
        for (id, changed) in &self.0 {
            if scope.is_some_and(|scope| scope != id) {
                continue;
            }
            let mut table = Map::new();
            if takes("changeTypes", "add") && !changed.created.is_empty() {
                let created = changed.created.iter().map(|r| (r.id.clone(), created(r)));
                table.insert(
                    "createdRecordsById".to_owned(),
                    Value::Object(created.collect()),
                );
            }
            let watched = |field: &str| takes("watchDataInFieldIds", field);
            let changes = changed.changed.iter().filter_map(|(before, after)| {
                let printed = change(before, after, watched, includes)?;
                Some((after.id.clone(), printed))
            });
            let changes: Map<String, Value> = changes.collect();
            if takes("changeTypes", "update") && !changes.is_empty() {
                table.insert("changedRecordsById".to_owned(), Value::Object(changes));
            }
            if takes("changeTypes", "remove") && !changed.destroyed.is_empty() {
                table.insert("destroyedRecordIds".to_owned(), json!(changed.destroyed));
            }
            if !table.is_empty() {
                tables.insert(id.clone(), Value::Object(table));
            }
        }
        (!tables.is_empty()).then_some(Value::Object(tables))
    }
}

fn created(record: &Record) -> Value {
    json!({"createdTime": record.created, "cellValuesByFieldId": record.cells})
}

/// The changed cells; None if no watched field changed.
fn change(
    before: &Record,
    after: &Record,
    watched: impl Fn(&str) -> bool,
    includes: &Value,
) -> Option<Value> {
    let fields = before.cells.keys().chain(after.cells.keys());
    let other = |field: &&String| before.cells.get(*field) != after.cells.get(*field);
    let fields: HashSet<&String> = fields
        .filter(other)
        .filter(|field| watched(field))
        .collect();
    let cells = |record: &Record| {
        let cell = |field: &&String| ((*field).clone(), json!(record.cells.get(*field)));
        json!({"cellValuesByFieldId": fields.iter().map(cell).collect::<Map<_, _>>()})
    };
    let mut printed = json!({"current": cells(after)});
    if includes["includePreviousCellValues"] == true {
        printed["previous"] = cells(before);
    }
    (!fields.is_empty()).then_some(printed)
}
