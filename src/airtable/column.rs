//! A column of the schema.

use serde_json::{Value, json};

use super::{field_type::FieldType, source::Source};

/// A column that we create and fill.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What people see when it is created; they may rename it.
    pub name: String,
    /// The type that it is created with, and that its values are made to fit.
    pub kind: FieldType,
    /// As in Airtable's metadata API; null if the type has none.
    pub options: Value,
    /// Shown in Airtable beside the name; may be empty.
    pub description: String,
    /// What fills its cells.
    pub from: Source,
    /// What fills them where `from` is empty, in this order.
    pub otherwise: Vec<Source>,
    /// `false` in the file leaves the column out.
    pub enabled: bool,
    /// Finds a call's row again.
    pub key: bool,
}

impl Column {
    /// What fills its cells, the first that has a value.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.from).chain(&self.otherwise)
    }

    /// The request body that creates the column.
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
