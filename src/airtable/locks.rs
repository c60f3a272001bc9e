//! Finds columns that are locked by their permissions. Airtable's metadata does not show them, only a write does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::class::Class;
use super::client::Client;
use super::error::Error;
use super::schema::Mapping;

/// What writing to every column has shown, by names in the schema.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ColumnPermissions {
    /// The columns that AIRTABLE_TOKEN's user may not edit.
    pub locked: Vec<String>,
    /// Columns that refuse the empty value for another reason, so that their permissions stay unknown.
    pub untested: Vec<String>,
}

/// Clears all cells of a test row, and again without the column that Airtable names, until no column is refused. The key
/// was written before. A refusal that has nothing to do with permissions is narrowed down to the columns at fault, so that
/// the others are tested.
pub async fn column_permissions(
    client: &Client,
    mapping: &Mapping,
    record_id: &str,
    key: &str,
) -> Result<ColumnPermissions, Error> {
    let columns = mapping.columns.iter().filter(|(name, _)| *name != key);
    let all: BTreeMap<&str, &str> = columns
        .map(|(name, id)| (name.as_str(), id.as_str()))
        .collect();
    let mut found = ColumnPermissions::default();
    let mut groups = vec![all];
    while let Some(mut open) = groups.pop() {
        if open.is_empty() {
            continue;
        }
        let cells: Map<String, Value> = open
            .values()
            .map(|id| ((*id).to_owned(), Value::Null))
            .collect();
        let row = [(record_id.to_owned(), cells)];
        let Err(error) = client.update(&mapping.table_id, &row).await else {
            continue;
        };
        match error.class() {
            Class::ColumnPermission { columns } => {
                let is_one =
                    |name: &str, id: &str| columns.iter().any(|one| one == id || one == name);
                let before = open.len();
                open.retain(|name, id| {
                    let is_locked = is_one(name, id);
                    found.locked.extend(is_locked.then(|| (*name).to_owned()));
                    !is_locked
                });
                if open.len() == before {
                    return Err(error);
                }
                groups.push(open);
            }
            Class::Row { .. } | Class::Choice { .. } | Class::UnknownField => {
                match open.keys().nth(open.len() / 2).copied() {
                    Some(middle) if open.len() > 1 => {
                        let second = open.split_off(middle);
                        groups.extend([open, second]);
                    }
                    _ => found.untested.extend(open.into_keys().map(str::to_owned)),
                }
            }
            _ => return Err(error),
        }
    }
    Ok(found)
}
