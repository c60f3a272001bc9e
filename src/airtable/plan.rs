//! What `bootstrap` would do to a base, and doing it. It only adds, never removes.

use std::collections::BTreeMap;

use super::client::Client;
use super::compare;
use super::error::Error;
use super::schema::{Mapping, Schema};
use super::step::{Sign, Step};
use super::wire::{Base, Table};

/// The steps from the current base to the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The table's name, as in the base, or as in AIRTABLE_TABLE if it must be created.
    pub table: String,
    /// `None`: the table must be created.
    pub table_id: Option<String>,
    /// The schema's columns in its order, then the users'.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Reads the base (one request) and compares. `known`: the remembered mapping.
    pub async fn read(
        client: &Client,
        schema: &Schema,
        known: Option<&Mapping>,
    ) -> Result<Plan, Error> {
        let table = table(client, known).await?;
        let none = BTreeMap::new();
        let columns = known.map_or(&none, |known| &known.columns);
        Ok(Plan::compare(
            schema,
            table.as_ref(),
            client.table(),
            columns,
        ))
    }

    /// `table_name` is the name of the table to create when there is none. `known`: name in the schema to field id.
    pub fn compare(
        schema: &Schema,
        table: Option<&Table>,
        table_name: &str,
        known: &BTreeMap<String, String>,
    ) -> Plan {
        match table {
            Some(table) => Plan {
                table: table.name.clone(),
                table_id: Some(table.id.clone()),
                steps: compare::columns(schema, table, known),
            },
            None => {
                let table = table_name.to_string();
                let create = Step::CreateTable {
                    table: table.clone(),
                };
                let columns = schema.enabled().map(|column| Step::CreateColumn {
                    column: column.name.clone(),
                    kind: column.kind,
                });
                Plan {
                    table,
                    table_id: None,
                    steps: std::iter::once(create).chain(columns).collect(),
                }
            }
        }
    }

    /// Creates what is missing and returns all IDs. Changes nothing that exists; a key column of the wrong type is
    /// rejected before the first request.
    pub async fn apply(&self, client: &Client, schema: &Schema) -> Result<Mapping, Error> {
        compare::check_key_type(schema, &self.steps)?;
        let Some(table_id) = &self.table_id else {
            let table = client.create_table(&schema.table_body(&self.table)).await?;
            return Ok(schema.map(&table, &BTreeMap::new())?.0);
        };
        let mut mapping = compare::mapping(table_id, &self.steps);
        for column in schema.enabled() {
            let wanted = |step: &Step| matches!(step, Step::CreateColumn { column: name, .. } if *name == column.name);
            if self.steps.iter().any(wanted) {
                let field = client.create_field(table_id, &column.body()).await?;
                mapping.columns.insert(column.name.clone(), field.id);
            }
        }
        Ok(mapping)
    }

    /// Marks the columns that are locked by their permissions, by name in the schema.
    pub fn mark_locked<'a>(&mut self, columns: impl Iterator<Item = &'a String>) {
        for locked in columns {
            let mut same = self.steps.iter_mut().filter(|it| it.column() == locked);
            let found = same.find_map(|step| step.locked().map(|to| (step, to)));
            if let Some((step, to)) = found {
                *step = to;
            }
        }
    }

    /// Requests that [`Plan::apply`] would send. 0: the base is as it should be, or only a person can change it.
    pub fn writes(&self) -> usize {
        match self.table_id {
            None => 1,
            Some(_) => self.count(Sign::Create),
        }
    }

    /// How many columns a person must change, because the API cannot.
    pub fn by_hand(&self) -> usize {
        self.count(Sign::ByHand)
    }

    fn count(&self, sign: Sign) -> usize {
        let steps = self.steps.iter();
        steps.filter(|step| step.sign() == sign).count()
    }

    /// For `--check`: no column is missing, has another type or lacks a choice.
    pub fn is_ok(&self) -> bool {
        self.steps.iter().all(Step::is_ok)
    }
}

/// For a writer: the table, its columns, and which of them cannot be written as expected. Reads the base (one request)
/// and creates nothing; a missing table or key column is an error that names `bootstrap`.
pub async fn locate(
    client: &Client,
    schema: &Schema,
    known: Option<&Mapping>,
) -> Result<(Table, Mapping, Vec<Step>), Error> {
    let found = table(client, known).await?;
    let found = found.ok_or_else(|| Error::NoTable {
        table: client.table().to_string(),
    })?;
    let none = BTreeMap::new();
    let (mapping, problems) = schema.map(&found, known.map_or(&none, |known| &known.columns))?;
    Ok((found, mapping, problems))
}

/// The table of AIRTABLE_TABLE. `None`: it can be created; a missing table ID cannot.
async fn table(client: &Client, known: Option<&Mapping>) -> Result<Option<Table>, Error> {
    let tables = client.tables().await?;
    let known = known.map(|known| known.table_id.as_str());
    match find_table(&tables, client.table(), known) {
        Some(table) => Ok(Some(table.clone())),
        None if is_table_id(client.table()) => Err(Error::NoTableId {
            table: client.table().to_string(),
        }),
        None => Ok(None),
    }
}

/// A new base with the table, in a workspace (`wsp…`): returns the base and its mapping.
pub async fn create_base(
    client: &Client,
    schema: &Schema,
    workspace_id: &str,
    name: &str,
) -> Result<(Base, Mapping), Error> {
    if is_table_id(client.table()) {
        return Err(Error::NoTableId {
            table: client.table().to_string(),
        });
    }
    let body = schema.table_body(client.table());
    let base = client.create_base(workspace_id, name, &[body]).await?;
    let table = find_table(&base.tables, client.table(), None).ok_or(Error::Incomplete)?;
    let (mapping, _) = schema.map(table, &BTreeMap::new())?;
    Ok((base, mapping))
}

/// `tbl` and 14 letters or digits.
fn is_table_id(text: &str) -> bool {
    text.len() == 17 && text.starts_with("tbl") && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The table with that name (ignoring case, as Airtable does) or ID (`tbl…`). A remembered ID takes precedence over a
/// name, so that the table can be renamed.
pub fn find_table<'a>(
    tables: &'a [Table],
    wanted: &str,
    known_id: Option<&str>,
) -> Option<&'a Table> {
    let by_id = |id: &str| tables.iter().find(|table| table.id == id);
    let by_name = || {
        let same =
            |table: &&Table| table.name.trim().to_lowercase() == wanted.trim().to_lowercase();
        tables
            .iter()
            .find(|table| table.name == wanted)
            .or_else(|| tables.iter().find(same))
    };
    by_id(wanted)
        .or_else(|| known_id.and_then(by_id))
        .or_else(by_name)
}
