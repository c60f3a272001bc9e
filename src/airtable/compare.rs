//! Compares the schema with an existing table: one step per column, including columns of the user.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::column::Column;
use super::error::Error;
use super::schema::{Mapping, Schema};
use super::step::Step;
use super::wire::{Field, Table};

impl Schema {
    /// The columns that can be written in `table`, and what keeps others out (missing, wrong type) or makes some of
    /// their values fail (missing choice). Creates nothing. `known`: name in the schema to field id.
    ///
    /// # Errors
    /// When the key column is missing or of another type: without it no row can be written.
    pub fn map(
        &self,
        table: &Table,
        known: &BTreeMap<String, String>,
    ) -> Result<(Mapping, Vec<Step>), Error> {
        let steps = columns(self, table, known);
        let mapping = mapping(&table.id, &steps);
        check_key(self, table, &steps)?;
        let problems = steps.into_iter().filter(|step| !step.is_ok()).collect();
        Ok((mapping, problems))
    }
}

/// Remembered IDs first, then names among the fields that no ID has claimed: two columns may have swapped their names.
pub(super) fn columns(
    schema: &Schema,
    table: &Table,
    known: &BTreeMap<String, String>,
) -> Vec<Step> {
    let mut found: BTreeMap<&str, &Field> = BTreeMap::new();
    for column in schema.enabled() {
        let by_id = known
            .get(&column.name)
            .and_then(|id| table.fields.iter().find(|field| field.id == *id));
        if let Some(field) = by_id {
            found.insert(&column.name, field);
        }
    }
    let mut claimed: BTreeSet<&str> = found.values().map(|field| field.id.as_str()).collect();
    for column in schema.enabled() {
        if found.contains_key(column.name.as_str()) {
            continue;
        }
        if let Some(field) = by_name(table, &column.name, &claimed) {
            claimed.insert(&field.id);
            found.insert(&column.name, field);
        }
    }
    let ours = schema
        .enabled()
        .flat_map(|column| match found.get(column.name.as_str()) {
            Some(field) => beside(column, field),
            None => vec![Step::CreateColumn {
                column: column.name.clone(),
                kind: column.kind,
            }],
        });
    let theirs = table
        .fields
        .iter()
        .filter(|field| !claimed.contains(field.id.as_str()));
    let key = found.get(schema.key().name.as_str()).copied();
    let not_primary = not_primary(schema.key(), key, table);
    let all = ours.chain(not_primary).chain(theirs.map(foreign));
    all.collect()
}

/// A key column that is not the first column, because the table existed before it.
fn not_primary(column: &Column, key: Option<&Field>, table: &Table) -> Option<Step> {
    let primary = table
        .fields
        .iter()
        .find(|field| field.id == table.primary)?;
    let is_key = key.is_some_and(|key| key.id == primary.id);
    (!is_key).then(|| Step::NotPrimary {
        column: column.name.clone(),
        primary: primary.name.clone(),
    })
}

/// Airtable allows no two fields whose names differ only in case.
fn by_name<'a>(table: &'a Table, name: &str, claimed: &BTreeSet<&str>) -> Option<&'a Field> {
    let wanted = name.trim().to_lowercase();
    let mut free = table
        .fields
        .iter()
        .filter(|field| !claimed.contains(field.id.as_str()));
    free.find(|field| field.name.trim().to_lowercase() == wanted)
}

fn foreign(field: &Field) -> Step {
    Step::Foreign {
        column: field.name.clone(),
        kind: field.kind.clone(),
        field_id: field.id.clone(),
    }
}

fn beside(column: &Column, field: &Field) -> Vec<Step> {
    let (name, field_id) = (column.name.clone(), field.id.clone());
    if field.kind != column.kind {
        return vec![Step::WrongType {
            column: name,
            name: field.name.clone(),
            kind: field.kind.clone(),
            wanted: column.kind,
            field_id,
        }];
    }
    let mut steps = Vec::new();
    if field.name != column.name {
        steps.push(Step::Renamed {
            column: name.clone(),
            name: field.name.clone(),
            kind: column.kind,
            field_id: field_id.clone(),
        });
    }
    let choices = missing_choices(column, field);
    if !choices.is_empty() {
        steps.push(Step::MissingChoice {
            column: name,
            name: field.name.clone(),
            kind: column.kind,
            choices,
            field_id,
        });
    } else if steps.is_empty() {
        steps.push(Step::Kept {
            column: name,
            kind: column.kind,
            field_id,
        });
    }
    steps
}

fn missing_choices(column: &Column, field: &Field) -> Vec<String> {
    let there = choices(&field.options);
    let wanted = choices(&column.options).into_iter();
    wanted
        .filter(|choice| !there.contains(choice))
        .map(str::to_string)
        .collect()
}

fn choices(options: &Value) -> Vec<&str> {
    let choices = options.get("choices").and_then(Value::as_array);
    let named = choices
        .into_iter()
        .flatten()
        .filter_map(|choice| choice.get("name"));
    named.filter_map(Value::as_str).collect()
}

/// The columns of these steps that can be written. A column that lacks a choice can be written with its other choices.
pub(super) fn mapping(table_id: &str, steps: &[Step]) -> Mapping {
    let columns = steps.iter().filter_map(|step| match step {
        Step::Kept {
            column, field_id, ..
        }
        | Step::Renamed {
            column, field_id, ..
        }
        | Step::MissingChoice {
            column, field_id, ..
        }
        | Step::Locked {
            column, field_id, ..
        } => Some((column.clone(), field_id.clone())),
        Step::CreateTable { .. }
        | Step::CreateColumn { .. }
        | Step::NotPrimary { .. }
        | Step::WrongType { .. }
        | Step::Foreign { .. } => None,
    });
    Mapping {
        table_id: table_id.to_string(),
        columns: columns.collect(),
    }
}

/// No row can be written without its key column.
fn check_key(schema: &Schema, table: &Table, steps: &[Step]) -> Result<(), Error> {
    check_key_type(schema, steps)?;
    let key = &schema.key().name;
    let missing = |step: &Step| matches!(step, Step::CreateColumn { column, .. } if column == key);
    match steps.iter().any(missing) {
        true => Err(Error::NoKey {
            table: table.name.clone(),
            column: key.clone(),
        }),
        false => Ok(()),
    }
}

/// A key column of another type is an error that only a person can fix: the API changes no types.
pub(super) fn check_key_type(schema: &Schema, steps: &[Step]) -> Result<(), Error> {
    let key = &schema.key().name;
    for step in steps {
        if let Step::WrongType {
            column,
            kind,
            wanted,
            ..
        } = step
            && column == key
        {
            return Err(Error::KeyType {
                column: column.clone(),
                found: kind.clone(),
                wanted: *wanted,
            });
        }
    }
    Ok(())
}
