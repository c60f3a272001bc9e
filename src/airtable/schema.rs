//! The table that we write: `schema/airtable.toml`, built in, or a file of that form (AIRTABLE_SCHEMA).

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{column::Column, source::Source};
use crate::domain::{KeptAttributes, TranscriptTimes, figures::Prices};

/// The columns of the table, and what a new table is created with.
#[derive(Debug, Clone)]
pub struct Schema {
    /// What the table itself is created with.
    pub table: TableText,
    /// In the file's order; exactly one is the key, and it is enabled.
    pub columns: Vec<Column>,
    /// TRANSCRIPT_TIMES; not of the file.
    pub transcript_times: TranscriptTimes,
    /// PRICES_FILE; not of the file.
    pub prices: Option<Arc<Prices>>,
}

/// Used to create a new table; its name is AIRTABLE_TABLE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableText {
    /// May be empty.
    pub description: String,
}

/// The IDs of the columns in a base. Stored (under [`super::Client::mapping_key`]), so that renaming a column there
/// changes nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// `tbl…`
    pub table_id: String,
    /// Name in the schema to `fld…`.
    pub columns: BTreeMap<String, String>,
}

impl Schema {
    /// The same with this TRANSCRIPT_TIMES.
    pub fn with_times(self, transcript_times: TranscriptTimes) -> Schema {
        Schema {
            transcript_times,
            ..self
        }
    }

    /// The same with this price list.
    pub fn with_prices(self, prices: Option<Arc<Prices>>) -> Schema {
        Schema { prices, ..self }
    }

    /// The columns that are written.
    pub fn enabled(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.enabled)
    }

    /// The enabled column of that name in the schema.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.enabled().find(|column| column.name == name)
    }

    /// The first enabled column with this source.
    pub fn filled_from(&self, source: &Source) -> Option<&Column> {
        self.enabled().find(|column| column.from == *source)
    }

    /// The participants' attributes that its columns show.
    pub fn attributes(&self) -> KeptAttributes {
        let sources = self.enabled().flat_map(Column::sources);
        let named = sources.filter_map(|source| match source {
            Source::Attribute(name) => Some(name.clone()),
            _ => None,
        });
        KeptAttributes::Named(named.collect())
    }

    /// The column for errors, unless it is disabled.
    pub fn error(&self) -> Option<&Column> {
        self.filled_from(&Source::Error)
    }

    /// The column that finds a call's row again.
    pub fn key(&self) -> &Column {
        let key = self.columns.iter().find(|column| column.key);
        key.expect("a schema without a key column does not parse")
    }

    /// The request body that creates the table. The key comes first, because the first column becomes the primary one.
    pub fn table_body(&self, name: &str) -> Value {
        let others = self.enabled().filter(|column| !column.key);
        let fields: Vec<Value> = std::iter::once(self.key())
            .chain(others)
            .map(Column::body)
            .collect();
        let mut body = json!({ "name": name, "fields": fields });
        if !self.table.description.is_empty() {
            body["description"] = json!(self.table.description);
        }
        body
    }
}

/// A schema file that cannot be used, with all its errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// Its name, as the user gave it.
    pub file: String,
    /// Sorted by line; at least one.
    pub faults: Vec<Fault>,
}

/// Something wrong in a schema file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1; 0 stands for the entire file.
    pub line: usize,
    /// For people: what is wrong, and what is valid.
    pub reason: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            match fault.line {
                0 => write!(f, "{end}{}: {}", self.file, fault.reason)?,
                line => write!(f, "{end}{}:{line}: {}", self.file, fault.reason)?,
            }
        }
        Ok(())
    }
}
