//! The table we write: `schema/airtable.toml`, built in, or a file of that form (AIRTABLE_SCHEMA).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Error;
use super::plan::Step;
use super::wire::Table;
use super::{compare, parse};

const BUILT_IN: &str = include_str!("../../schema/airtable.toml");

/// What a column can be filled from, by name …
pub const SOURCES: [&str; 20] = [
    "call_id",
    "room_name",
    "status",
    "started_at",
    "ended_at",
    "duration",
    "caller",
    "agent",
    "transcript",
    "transcript_url",
    "recording_url",
    "recording_url_expires",
    "recording_size",
    "egress_id",
    "error",
    "recording_attachment",
    "summary",
    "metadata",
    "participants",
    "job_id",
];
/// … and by prefix, with something of the user's after it.
pub const OPEN_SOURCES: [(&str, &str); 4] = [
    ("metadata.", "PATH"),
    ("attributes.", "NAME"),
    ("report.", "PATH"),
    ("constant:", "TEXT"),
];

#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub table: TableText,
    /// In the file's order; exactly one is the key, and it is enabled.
    pub columns: Vec<Column>,
}

/// What a new table is created with; its name is AIRTABLE_TABLE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableText {
    pub description: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// Airtable's type, as `singleLineText`.
    pub kind: String,
    /// As Airtable's metadata API takes them; null when the type has none.
    pub options: Value,
    pub description: String,
    /// One of [`SOURCES`] or [`OPEN_SOURCES`].
    pub from: String,
    pub enabled: bool,
    pub key: bool,
}

/// Where the columns are in a base. Remembered (under [`super::Client::mapping_key`]), so that renaming a column there
/// changes nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// `tbl…`
    pub table_id: String,
    /// Name in the schema to `fld…`.
    pub columns: BTreeMap<String, String>,
}

impl Schema {
    /// `schema/airtable.toml` as it was when this program was built.
    pub fn built_in() -> Schema {
        Schema::parse("schema/airtable.toml", BUILT_IN).expect("a test parses the built-in schema")
    }

    /// The file of AIRTABLE_SCHEMA. All its faults at once.
    pub fn read(path: &Path) -> Result<Schema, Invalid> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Schema::parse(&file, &text),
            Err(error) => Err(Invalid {
                file,
                faults: vec![Fault {
                    line: 0,
                    reason: format!("cannot be read: {error}"),
                }],
            }),
        }
    }

    /// `file` is its name in what [`Invalid`] says.
    pub fn parse(file: &str, text: &str) -> Result<Schema, Invalid> {
        parse::schema(text).map_err(|faults| Invalid {
            file: file.to_string(),
            faults,
        })
    }

    pub fn enabled(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.enabled)
    }

    /// The column for what went wrong, unless it is turned off.
    pub fn error(&self) -> Option<&Column> {
        self.enabled().find(|column| column.from == "error")
    }

    pub fn key(&self) -> &Column {
        let key = self.columns.iter().find(|column| column.key);
        key.expect("a schema without a key column does not parse")
    }

    /// The columns that can be written in `table`, and what keeps others out (missing, wrong type) or makes some of
    /// their values fail (missing choice). Creates nothing. `known`: name in the schema to field id.
    pub fn map(
        &self,
        table: &Table,
        known: &BTreeMap<String, String>,
    ) -> Result<(Mapping, Vec<Step>), Error> {
        let steps = compare::columns(self, table, known);
        let mapping = compare::mapping(&table.id, &steps);
        compare::check_key(self, table, &steps)?;
        let problems = steps.into_iter().filter(|step| !step.is_ok()).collect();
        Ok((mapping, problems))
    }

    /// The body that creates the table. The key comes first, because the first column becomes the primary one.
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

impl Column {
    /// The body that creates the column.
    pub fn body(&self) -> Value {
        let mut body = json!({ "name": self.name, "type": self.kind });
        if !self.description.is_empty() {
            body["description"] = json!(self.description);
        }
        if !self.options.is_null() {
            body["options"] = self.options.clone();
        }
        body
    }
}

/// The table of that name (without regard to case, as Airtable takes it) or id (`tbl…`). A remembered id wins over a
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

/// A schema file that cannot be used, with everything that is wrong in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    pub file: String,
    pub faults: Vec<Fault>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1; 0 is the file as a whole.
    pub line: usize,
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
