//! From TOML to [`Schema`], gathering every fault with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::rules;
use super::schema::{Column, Fault, Schema, TableText};

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

pub(super) fn schema(text: &str) -> Result<Schema, Vec<Fault>> {
    let mut reader = Reader {
        text,
        faults: Vec::new(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.fault(error.span().unwrap_or(0..0), error.message().to_string());
    }
    if !reader.faults.is_empty() {
        return Err(reader.sorted());
    }
    let schema = reader.document(document.get_ref());
    match reader.sorted() {
        faults if faults.is_empty() => Ok(schema),
        faults => Err(faults),
    }
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

type Entry<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>) -> Schema {
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
                    columns.push((entry.span(), self.column(entry)));
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
        Schema {
            table,
            columns: columns.into_iter().map(|(_, column)| column).collect(),
        }
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

    fn column(&mut self, entry: &Entry<'_>) -> Column {
        let empty = DeTable::new();
        let table = entry.get_ref().as_table().unwrap_or(&empty);
        self.only(table, &COLUMN_KEYS, "a column");
        let column = Column {
            name: self.required(entry, table, "name").trim().to_owned(),
            kind: self.required(entry, table, "type"),
            options: self.options(table),
            description: self.string(table, "description").unwrap_or_default(),
            from: self.required(entry, table, "from"),
            enabled: self.boolean(table, "enabled").unwrap_or(true),
            key: self.boolean(table, "key").unwrap_or(false),
        };
        for (places, wrong) in [
            (["options", "type"], rules::of_type(&column)),
            (["from", "type"], rules::of_source(&column)),
        ] {
            let place = places.iter().find_map(|name| table.get(*name));
            let span = place.map_or(entry.span(), Spanned::span);
            for reason in wrong {
                self.fault(span.clone(), reason);
            }
        }
        column
    }

    /// Airtable takes names without regard to case, and people do not see how many spaces there are.
    fn names(&mut self, columns: &[(Range<usize>, Column)]) {
        let mut seen = BTreeMap::new();
        for (span, column) in columns.iter().filter(|(_, column)| !column.name.is_empty()) {
            let words: Vec<&str> = column.name.split_whitespace().collect();
            if let Some(line) = seen.insert(words.join(" ").to_lowercase(), self.line(span)) {
                self.fault(
                    span.clone(),
                    format!(
                        "a second column {:?}; the first is in line {line}",
                        column.name
                    ),
                );
            }
        }
    }

    fn key(&mut self, columns: &[(Range<usize>, Column)]) {
        let keys: Vec<_> = columns.iter().filter(|(_, column)| column.key).collect();
        match keys.as_slice() {
            [] => self.fault(
                0..0,
                "one column must have `key = true` and `from = \"call_id\"`".into(),
            ),
            [(span, key)] => {
                for reason in rules::of_key(key) {
                    self.fault(span.clone(), reason);
                }
            }
            [_, more @ ..] => {
                for (span, key) in more {
                    self.fault(span.clone(), format!("a second key column {:?}", key.name));
                }
            }
        }
    }

    /// Keys nobody reads are typing errors.
    fn only(&mut self, table: &DeTable<'_>, allowed: &[&str], what: &str) {
        let allowed_set: BTreeSet<&str> = allowed.iter().copied().collect();
        for key in table
            .keys()
            .filter(|key| !allowed_set.contains(key.get_ref().as_ref()))
        {
            let name = key.get_ref();
            let meant = rules::meant(name, allowed);
            let valid = allowed.join(", ");
            let reason = format!("{what} has no `{name}`{meant}; valid are {valid}");
            self.fault(key.span(), reason);
        }
    }

    fn required(&mut self, entry: &Entry<'_>, table: &DeTable<'_>, key: &str) -> String {
        if !table.contains_key(key) {
            self.fault(entry.span(), format!("a column without `{key}`"));
        }
        let text = self.string(table, key);
        if let (Some(entry), Some("")) = (table.get(key), text.as_deref().map(str::trim)) {
            self.fault(entry.span(), format!("`{key}` is empty"));
        }
        text.unwrap_or_default()
    }

    fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let entry = table.get(key)?;
        let text = entry.get_ref().as_str().map(str::to_string);
        if text.is_none() {
            self.fault(entry.span(), format!("`{key}` must be a text in quotes"));
        }
        text
    }

    fn boolean(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let entry = table.get(key)?;
        let value = entry.get_ref().as_bool();
        if value.is_none() {
            self.fault(entry.span(), format!("`{key}` must be true or false"));
        }
        value
    }

    fn options(&mut self, table: &DeTable<'_>) -> Value {
        let Some(entry) = table.get("options") else {
            return Value::Null;
        };
        if !entry.get_ref().is_table() {
            self.fault(entry.span(), "`options` must be { … }".into());
            return Value::Null;
        }
        match Value::deserialize(ValueDeserializer::from(entry.clone())) {
            Ok(options) => options,
            Err(error) => {
                self.fault(entry.span(), format!("`options`: {}", error.message()));
                Value::Null
            }
        }
    }

    fn sorted(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }

    fn fault(&mut self, at: Range<usize>, reason: String) {
        let line = self.line(&at);
        self.faults.push(Fault { line, reason });
    }

    /// From 1.
    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
}
