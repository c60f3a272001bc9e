//! Which columns their permissions lock. Airtable's metadata does not say so, only a write does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::class::Class;
use super::client::Client;
use super::error::Error;
use super::schema::Mapping;

/// The columns that AIRTABLE_TOKEN's user may not edit, by name in the schema: each is emptied in a test row until none is
/// refused any more. The key has been written already.
pub async fn locked_columns(
    client: &Client,
    mapping: &Mapping,
    record_id: &str,
    key: &str,
) -> Result<Vec<String>, Error> {
    let columns = mapping.columns.iter().filter(|(name, _)| *name != key);
    let mut open: BTreeMap<&str, &str> = columns
        .map(|(name, id)| (name.as_str(), id.as_str()))
        .collect();
    let mut locked = Vec::new();
    while !open.is_empty() {
        let cells: Map<String, Value> = open
            .values()
            .map(|id| ((*id).to_owned(), Value::Null))
            .collect();
        let row = [(record_id.to_owned(), cells)];
        let Err(error) = client.update(&mapping.table_id, &row).await else {
            break;
        };
        match error.class() {
            Class::ColumnPermission { column } => {
                let is_it = |(name, id): &(&&str, &&str)| **id == column || **name == column;
                let Some(name) = open.iter().find(is_it).map(|(name, _)| *name) else {
                    return Err(error);
                };
                open.remove(name);
                locked.push(name.to_owned());
            }
            // What a column thinks of an empty cell is no matter of permissions.
            Class::Row { .. } | Class::Choice { .. } | Class::UnknownField => break,
            _ => return Err(error),
        }
    }
    Ok(locked)
}
