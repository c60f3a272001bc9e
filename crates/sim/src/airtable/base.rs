//! Bases, tables, fields and records, as they are kept. Cells hang on field ids, so a rename loses nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::comments::Comment;
use super::refusal::{Outcome, Refusal};
use super::webhooks::{self, Webhooks};
use super::{computed, ids};

#[derive(Clone)]
pub(super) struct Base {
    pub id: String,
    pub name: String,
    pub tables: Vec<Table>,
    pub webhooks: Webhooks,
}

#[derive(Clone)]
pub(super) struct Table {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub primary_field: String,
    pub fields: Vec<Field>,
    pub views: Vec<Value>,
    pub records: Vec<Arc<Record>>,
    /// What the next record counts as in autoNumber fields.
    pub next_number: u64,
    pub comments: Vec<Comment>,
    /// Attachments (id, URL) that a write has left to be fetched.
    pub to_fetch: Vec<(String, String)>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
}

impl Field {
    /// A text among its options.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.as_ref()?[name].as_str()
    }
}

#[derive(Clone)]
pub(super) struct Record {
    pub id: String,
    pub created: String,
    /// None: nothing was written to it since.
    pub modified: Option<String>,
    pub number: u64,
    /// Field id to value; an empty cell is not there.
    pub cells: BTreeMap<String, Value>,
}

impl Base {
    /// By id, or by name in any case.
    pub fn table(&self, id_or_name: &str) -> Result<&Table, Refusal> {
        let found = self.tables.iter().find(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    pub fn table_mut(&mut self, id_or_name: &str) -> Result<&mut Table, Refusal> {
        let found = self.tables.iter_mut().find(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    /// The table's place among the tables.
    pub fn table_at(&self, id_or_name: &str) -> Result<usize, Refusal> {
        let found = self.tables.iter().position(|t| t.is(id_or_name));
        found.ok_or_else(Refusal::forbidden)
    }

    pub fn place(&self, table: usize, record: usize) -> Place<'_> {
        let table = &self.tables[table];
        Place {
            base: self,
            table,
            record: &table.records[record],
        }
    }

    /// All of the change or, when it is refused, nothing of it.
    pub fn transact(&mut self, change: impl FnOnce(&mut Base) -> Outcome) -> Outcome {
        let mut draft = self.clone();
        let answer = change(&mut draft)?;
        webhooks::note(self, &mut draft);
        *self = draft;
        Ok(answer)
    }
}

impl Table {
    pub fn new(name: String, description: Option<String>, fields: Vec<Field>) -> Self {
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
        }
    }

    pub fn is(&self, id_or_name: &str) -> bool {
        self.id == id_or_name || self.name.to_lowercase() == id_or_name.to_lowercase()
    }

    /// By id or by its exact name.
    pub fn field(&self, id_or_name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|f| f.id == id_or_name || f.name == id_or_name)
    }

    pub fn field_mut(&mut self, id_or_name: &str) -> Option<&mut Field> {
        self.fields
            .iter_mut()
            .find(|f| f.id == id_or_name || f.name == id_or_name)
    }

    /// An empty record at the end, and its place.
    pub fn add(&mut self) -> usize {
        self.records.push(Arc::new(Record {
            id: ids::fresh("rec"),
            created: ids::now(),
            modified: None,
            number: self.next_number,
            cells: BTreeMap::new(),
        }));
        self.next_number += 1;
        self.records.len() - 1
    }

    pub fn comments_on(&self, record: &str) -> usize {
        let of_record = |comment: &&Comment| comment.is_on(record);
        self.comments.iter().filter(of_record).count()
    }

    pub fn position(&self, record: &str) -> Option<usize> {
        self.records.iter().position(|r| r.id == record)
    }

    /// As the metadata API prints it.
    pub fn schema(&self) -> Value {
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

/// A record where it stands: what is computed of it may come from other tables.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub base: &'a Base,
    pub table: &'a Table,
    pub record: &'a Record,
}

impl Place<'_> {
    /// As the records API prints it. `only` holds ids of fields.
    pub fn print(self, by_id: bool, only: Option<&[String]>) -> Value {
        let wanted = |field: &&Field| only.is_none_or(|ids| ids.contains(&field.id));
        let mut fields = Map::new();
        for field in self.table.fields.iter().filter(wanted) {
            if let Some(value) = computed::cell(self, field, 0) {
                let key = if by_id { &field.id } else { &field.name };
                fields.insert(key.clone(), value.into_owned());
            }
        }
        json!({"id": self.record.id, "createdTime": self.record.created, "fields": fields})
    }
}
