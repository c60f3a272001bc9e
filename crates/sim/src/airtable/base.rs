//! Bases, tables, fields and records as they are stored. Cells are keyed by field id, so a renamed field keeps its values.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cells::Cells;
use super::ids;
use super::refusal::Refusal;
use super::webhook::Webhooks;

/// A base: tables, and the webhooks that report their changes.
#[derive(Clone)]
pub(super) struct Base {
    /// `app…`
    pub id: String,
    pub name: String,
    pub tables: Vec<Table>,
    pub webhooks: Webhooks,
    /// The plan's; None is no limit.
    pub record_limit: Option<usize>,
    /// Type and message of the refusal when it is reached; None is the usual one.
    pub full_words: Option<(String, String)>,
}

/// A table with its fields and records, both in the order of their creation.
#[derive(Clone)]
pub(super) struct Table {
    /// `tbl…`
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// The id of the field that names a record.
    pub primary_field: String,
    pub fields: Vec<Field>,
    /// As the metadata API prints them.
    pub views: Vec<Value>,
    pub records: Vec<Arc<Record>>,
    /// The value of autoNumber fields in the next record.
    pub next_number: u64,
    pub comments: Vec<Comment>,
    /// Attachments (id, URL) that a write has queued for fetching.
    pub to_fetch: Vec<(String, String)>,
    pub permissions: Permissions,
}

/// What "Edit field permissions" and "Edit table permissions" keep from the token's user.
#[derive(Clone, Default)]
pub(super) struct Permissions {
    /// Ids of fields whose values it may not edit.
    pub locked_fields: BTreeSet<String>,
    /// It may not create records.
    pub no_creates: bool,
}

/// A field as the metadata API reads and prints it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Field {
    /// `fld…`
    #[serde(default)]
    pub id: String,
    pub name: String,
    /// Airtable's name of the type, e.g. `singleLineText`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
}

impl Field {
    /// An option of the field that is a string, e.g. `linkedTableId`.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.as_ref()?[name].as_str()
    }
}

/// A record; computed cells are not stored.
#[derive(Clone)]
pub(super) struct Record {
    /// `rec…`
    pub id: String,
    /// As the API prints it.
    pub created: String,
    /// None until the record is updated.
    pub modified: Option<String>,
    /// The value of autoNumber fields.
    pub number: u64,
    pub cells: Cells,
}

/// A comment on a record.
#[derive(Clone)]
pub(super) struct Comment {
    /// The record's id.
    pub record: String,
    /// As the API prints it.
    pub printed: Value,
}

impl Base {
    /// Finds a table by id, or by name ignoring case. An unknown table is refused like a missing permission.
    pub(super) fn table(&self, id_or_name: &str) -> Result<&Table, Refusal> {
        let found = self.tables.iter().find(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    /// [`Base::table`], to change it.
    pub(super) fn table_mut(&mut self, id_or_name: &str) -> Result<&mut Table, Refusal> {
        let found = self.tables.iter_mut().find(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    /// [`Base::table`] as an index into `tables`.
    pub(super) fn table_at(&self, id_or_name: &str) -> Result<usize, Refusal> {
        let found = self.tables.iter().position(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    /// Whether the plan allows no more records; those of all tables count.
    pub(super) fn is_full(&self) -> bool {
        let records: usize = self.tables.iter().map(|table| table.records.len()).sum();
        self.record_limit.is_some_and(|limit| records >= limit)
    }

    /// The record at these indexes, with what its computed cells depend on.
    pub(super) fn place(&self, table: usize, record: usize) -> Place<'_> {
        let table = &self.tables[table];
        Place {
            base: self,
            table,
            record: &table.records[record],
        }
    }
}

impl Table {
    /// A table without records, whose primary field is the first one.
    pub(super) fn new(name: String, description: Option<String>, fields: Vec<Field>) -> Self {
        Self {
            id: ids::fresh("tbl"),
            name,
            description,
            primary_field: fields.first().map(|f| f.id.clone()).unwrap_or_default(),
            fields,
            views: vec![json!({"id": ids::fresh("viw"), "name": "Grid view", "type": "grid"})],
            records: Vec::new(),
            next_number: 1,
            comments: Vec::new(),
            to_fetch: Vec::new(),
            permissions: Permissions::default(),
        }
    }

    /// Whether this is the table's id, or its name ignoring case.
    pub(super) fn is(&self, id_or_name: &str) -> bool {
        self.id == id_or_name || self.name.to_lowercase() == id_or_name.to_lowercase()
    }

    /// Finds a field by id or by its exact name.
    pub(super) fn field(&self, id_or_name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|f| f.id == id_or_name || f.name == id_or_name)
    }

    /// [`Table::field`], to change it.
    pub(super) fn field_mut(&mut self, id_or_name: &str) -> Option<&mut Field> {
        self.fields
            .iter_mut()
            .find(|f| f.id == id_or_name || f.name == id_or_name)
    }

    /// Appends an empty record and returns its index.
    pub(super) fn add(&mut self) -> usize {
        self.records.push(Arc::new(Record {
            id: ids::fresh("rec"),
            created: ids::now(),
            modified: None,
            number: self.next_number,
            cells: Cells::default(),
        }));
        self.next_number += 1;
        self.records.len() - 1
    }

    /// How many comments the record has.
    pub(super) fn comments_on(&self, record: &str) -> usize {
        let of_record = |comment: &&Comment| comment.record == record;
        self.comments.iter().filter(of_record).count()
    }

    /// The index of the record with this id. Most requests are about one of the last.
    pub(super) fn position(&self, record: &str) -> Option<usize> {
        self.records.iter().rposition(|r| r.id == record)
    }

    /// As the metadata API prints it.
    pub(super) fn schema(&self) -> Value {
        let mut schema = json!({
            "id": self.id, "name": self.name, "primaryFieldId": self.primary_field,
            "fields": self.fields, "views": self.views,
        });
        if let Some(description) = &self.description {
            schema["description"] = json!(description);
        }
        schema
    }
}

/// A record in its table and base: its computed cells may depend on other tables.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub base: &'a Base,
    pub table: &'a Table,
    pub record: &'a Record,
}
