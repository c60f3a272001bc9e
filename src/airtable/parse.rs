//! Parses TOML into a [`Schema`], collecting every error with its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeTable;

use super::column::Column;
use super::field_type::FieldType;
use super::reader::{Entry, SchemaReader};
use super::rules;
use super::schema::{Fault, Invalid, Schema, TableText};
use super::source::Source;
use crate::domain::TranscriptTimes;

const BUILT_IN: &str = include_str!("../../schema/airtable.toml");

const TABLE_KEYS: [&str; 1] = ["description"];
const COLUMN_KEYS: [&str; 7] = [
    "name",
    "type",
    "options",
    "from",
    "description",
    "enabled",
    "key",
];

impl Schema {
    /// `schema/airtable.toml` as it was when this program was built.
    pub fn built_in() -> Schema {
        Schema::parse("schema/airtable.toml", BUILT_IN).expect("a test parses the built-in schema")
    }

    /// The file of AIRTABLE_SCHEMA.
    ///
    /// # Errors
    /// All its faults at once; one for the file as a whole when it cannot be read.
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

    /// A schema from its text; `file` is its name in what [`Invalid`] says.
    ///
    /// # Errors
    /// All faults at once.
    pub fn parse(file: &str, text: &str) -> Result<Schema, Invalid> {
        schema(text).map_err(|faults| Invalid {
            file: file.to_string(),
            faults,
        })
    }
}

fn schema(text: &str) -> Result<Schema, Vec<Fault>> {
    let mut reader = SchemaReader::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let is_toml = errors.is_empty();
    for error in errors {
        reader.fault(error.span().unwrap_or(0..0), error.message().to_string());
    }
    if !is_toml {
        return Err(reader.sorted());
    }
    let (table, drafts) = reader.document(document.get_ref());
    let columns = drafts.into_iter().map(Draft::into_column).collect();
    match (columns, reader.sorted()) {
        (Some(columns), faults) if faults.is_empty() => Ok(Schema {
            table,
            columns,
            transcript_times: TranscriptTimes::default(),
            prices: None,
        }),
        (_, faults) => Err(faults),
    }
}

/// A column as far as it could be read.
struct Draft {
    /// Where it stands in the text.
    span: Range<usize>,
    name: String,
    kind: Option<FieldType>,
    options: Value,
    description: String,
    from: Option<Source>,
    otherwise: Vec<Source>,
    enabled: bool,
    key: bool,
}

impl Draft {
    /// `None`: its type or source is missing or unknown, which is a fault of the file.
    fn into_column(self) -> Option<Column> {
        Some(Column {
            name: self.name,
            kind: self.kind?,
            options: self.options,
            description: self.description,
            from: self.from?,
            otherwise: self.otherwise,
            enabled: self.enabled,
            key: self.key,
        })
    }
}

impl SchemaReader<'_> {
    fn document(&mut self, document: &DeTable<'_>) -> (TableText, Vec<Draft>) {
        self.only(document, &["table", "columns"], "the file");
        let table = match document.get("table") {
            Some(entry) => self.table(entry),
            None => TableText::default(),
        };
        let mut columns = Vec::new();
        match document
            .get("columns")
            .map(|entry| (entry, entry.get_ref().as_array()))
        {
            Some((_, Some(entries))) => {
                for entry in entries.iter() {
                    columns.push(self.column(entry));
                }
            }
            Some((entry, None)) => self.fault(
                entry.span(),
                "`columns` must be written as [[columns]]".into(),
            ),
            None => self.fault(0..0, "no [[columns]]".into()),
        }
        self.names(&columns);
        self.key(&columns);
        (table, columns)
    }

    fn table(&mut self, entry: &Entry<'_>) -> TableText {
        let Some(table) = entry.get_ref().as_table() else {
            self.fault(entry.span(), "`table` must be written as [table]".into());
            return TableText::default();
        };
        self.only(table, &TABLE_KEYS, "[table]");
        TableText {
            description: self.string(table, "description").unwrap_or_default(),
        }
    }

    fn column(&mut self, entry: &Entry<'_>) -> Draft {
        let empty = DeTable::new();
        let table = entry.get_ref().as_table().unwrap_or(&empty);
        self.only(table, &COLUMN_KEYS, "a column");
        let name = self.required(entry, table, "name").trim().to_owned();
        let kind = self.required(entry, table, "type");
        let options = self.options(table);
        let description = self.string(table, "description").unwrap_or_default();
        let from = self.texts(entry, table, "from");
        let (enabled, key) = (self.boolean(table, "enabled"), self.boolean(table, "key"));
        let (kind, wrong_type) = rules::read_type(&kind, &options);
        let (mut sources, wrong_source) = rules::read_sources(&from, kind, &options);
        let otherwise = sources.split_off(sources.len().min(1));
        for (places, wrong) in [
            (["options", "type"], wrong_type),
            (["from", "type"], wrong_source),
        ] {
            let place = places.iter().find_map(|name| table.get(*name));
            let span = place.map_or(entry.span(), Spanned::span);
            for reason in wrong {
                self.fault(span.clone(), reason);
            }
        }
        Draft {
            span: entry.span(),
            name,
            kind,
            options,
            description,
            from: sources.pop(),
            otherwise,
            enabled: enabled.unwrap_or(true),
            key: key.unwrap_or(false),
        }
    }

    /// Airtable ignores case in names, and people do not notice repeated spaces.
    fn names(&mut self, columns: &[Draft]) {
        let mut seen = BTreeMap::new();
        for Draft { span, name, .. } in columns.iter().filter(|column| !column.name.is_empty()) {
            let words: Vec<&str> = name.split_whitespace().collect();
            if let Some(line) = seen.insert(words.join(" ").to_lowercase(), self.line(span)) {
                let reason = format!("duplicate column {name:?}; the first one is in line {line}");
                self.fault(span.clone(), reason);
            }
        }
    }

    fn key(&mut self, columns: &[Draft]) {
        let keys: Vec<&Draft> = columns.iter().filter(|column| column.key).collect();
        match keys.as_slice() {
            [] => self.fault(
                0..0,
                "one column must have `key = true` and `from = \"call_id\"`".into(),
            ),
            [key] => {
                for reason in rules::of_key(key.kind, key.from.as_ref(), key.enabled) {
                    self.fault(key.span.clone(), reason);
                }
            }
            [_, more @ ..] => {
                for Draft { span, name, .. } in more {
                    self.fault(span.clone(), format!("a second key column {name:?}"));
                }
            }
        }
    }
}
