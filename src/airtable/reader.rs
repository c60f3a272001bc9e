//! Reads TOML values of the types that a schema file has, and gathers what is wrong with them.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::rules;
use super::schema::Fault;

/// A value with its place in the text.
pub(super) type Entry<'i> = Spanned<DeValue<'i>>;

/// The text that is read, and its faults so far.
pub(super) struct SchemaReader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

impl<'a> SchemaReader<'a> {
    /// Nothing is wrong yet.
    pub(super) fn new(text: &'a str) -> SchemaReader<'a> {
        let faults = Vec::new();
        SchemaReader { text, faults }
    }

    /// A key that nobody reads is a typing error. `what` has the keys, for the message.
    pub(super) fn only(&mut self, table: &DeTable<'_>, allowed: &[&str], what: &str) {
        let allowed_set: BTreeSet<&str> = allowed.iter().copied().collect();
        for key in table
            .keys()
            .filter(|key| !allowed_set.contains(key.get_ref().as_ref()))
        {
            let name = key.get_ref();
            let meant = rules::meant(name, allowed);
            let valid = allowed.join(", ");
            let reason = format!("{what} has no `{name}`{meant}; valid names: {valid}");
            self.fault(key.span(), reason);
        }
    }

    /// The text of a key that a column must have; empty when it is missing, empty or no text, which are faults.
    pub(super) fn required(&mut self, entry: &Entry<'_>, table: &DeTable<'_>, key: &str) -> String {
        if !table.contains_key(key) {
            self.fault(entry.span(), format!("a column without `{key}`"));
        }
        let text = self.string(table, key);
        if let (Some(entry), Some("")) = (table.get(key), text.as_deref().map(str::trim)) {
            self.fault(entry.span(), format!("`{key}` is empty"));
        }
        text.unwrap_or_default()
    }

    /// The text of a key that a column must have, or the texts of its list; none when there is a fault.
    pub(super) fn texts(
        &mut self,
        entry: &Entry<'_>,
        table: &DeTable<'_>,
        key: &str,
    ) -> Vec<String> {
        let Some(list) = table.get(key).filter(|value| value.get_ref().is_array()) else {
            let text = self.required(entry, table, key);
            return Some(text)
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect();
        };
        let values = list
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|list| list.iter());
        let texts: Option<Vec<String>> = values
            .map(|value| value.get_ref().as_str().map(str::to_owned))
            .map(|text| text.filter(|text| !text.trim().is_empty()))
            .collect();
        let reason = match texts {
            Some(texts) if !texts.is_empty() => return texts,
            Some(_) => format!("`{key}` must be text in quotes"),
            None => format!("`{key}` must be a list of texts in quotes"),
        };
        self.fault(list.span(), reason);
        Vec::new()
    }

    /// The text of a key; anything else is a fault.
    pub(super) fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let entry = table.get(key)?;
        let text = entry.get_ref().as_str().map(str::to_string);
        if text.is_none() {
            self.fault(entry.span(), format!("`{key}` must be text in quotes"));
        }
        text
    }

    /// The truth value of a key; anything else is a fault.
    pub(super) fn boolean(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let entry = table.get(key)?;
        let value = entry.get_ref().as_bool();
        if value.is_none() {
            self.fault(entry.span(), format!("`{key}` must be true or false"));
        }
        value
    }

    /// `options` as JSON; null when there are none.
    pub(super) fn options(&mut self, table: &DeTable<'_>) -> Value {
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

    /// All faults, by line.
    pub(super) fn sorted(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }

    /// Something is wrong at this place, in bytes.
    pub(super) fn fault(&mut self, at: Range<usize>, reason: String) {
        let line = self.line(&at);
        self.faults.push(Fault { line, reason });
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
}
