//! A base from a file: `{"id","name","tables":[as the metadata API prints them, each with "records"]}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::base::{Base, Field, Record, Table};
use super::webhook::Webhooks;
use super::{ids, schema};

const DEFAULT_BASE: &str = "appSimulated00001";

/// The base with which a stand-in starts; without a seed it has no tables. Errors say what is wrong with the seed.
pub(super) fn plant(seed: Option<&Value>) -> Result<Base, String> {
    let text = |key: &str, default: &str| {
        let value = seed.and_then(|s| s[key].as_str());
        value.unwrap_or(default).to_owned()
    };
    let tables = match seed.map(|s| &s["tables"]) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(tables)) => tables.iter().map(table).collect::<Result<_, _>>()?,
        Some(_) => return Err("`tables` of the seed is not a list".to_owned()),
    };
    Ok(Base {
        id: text("id", DEFAULT_BASE),
        name: text("name", "Simulated"),
        tables,
        webhooks: Webhooks::default(),
        record_limit: None,
        full_words: None,
    })
}

fn table(seed: &Value) -> Result<Table, String> {
    let name = seed["name"]
        .as_str()
        .ok_or("a table of the seed has no name")?;
    let fields: Vec<Field> = serde_json::from_value(seed["fields"].clone())
        .map_err(|error| format!("fields of table {name}: {error}"))?;
    if fields.is_empty() {
        return Err(format!("table {name} has no fields"));
    }
    let fields = fields.into_iter().map(schema::with_ids).collect();
    let description = seed["description"].as_str().map(str::to_owned);
    let mut table = Table::new(name.to_owned(), description, fields);
    if let Some(id) = seed["id"].as_str() {
        table.id = id.to_owned();
    }
    if let Some(primary) = seed["primaryFieldId"].as_str() {
        table.primary_field = primary.to_owned();
    }
    if let Some(views) = seed["views"].as_array().filter(|v| !v.is_empty()) {
        table.views = views.clone();
    }
    for row in seed["records"].as_array().into_iter().flatten() {
        let mut record = record(&table, row)?;
        record.number = table.next_number;
        table.next_number += 1;
        table.records.push(Arc::new(record));
    }
    Ok(table)
}

/// Cells are not checked: a seed may contain what only the interface or a formula can write.
fn record(table: &Table, seed: &Value) -> Result<Record, String> {
    let mut cells = BTreeMap::new();
    for (name, value) in seed["fields"].as_object().into_iter().flatten() {
        let field = table.field(name).ok_or_else(|| {
            format!(
                "a record of table {} has the unknown field {name}",
                table.name
            )
        })?;
        if !value.is_null() {
            cells.insert(field.id.clone(), value.clone());
        }
    }
    let text = |key: &str| seed[key].as_str().map(str::to_owned);
    Ok(Record {
        id: text("id").unwrap_or_else(|| ids::fresh("rec")),
        created: text("createdTime").unwrap_or_else(ids::now),
        modified: None,
        number: 0,
        cells: cells.into(),
    })
}
