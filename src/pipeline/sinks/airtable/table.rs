//! One reading of the table: where its columns are, and which of them take no values of ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    airtable::{Column, Field, Mapping},
    domain::hash,
    telemetry::LogThrottle,
};

/// A disabled column is tried again this often: somebody may have fixed it.
pub(super) const COLUMN_RECHECK: SignedDuration = SignedDuration::from_hours(1);

/// A locked column is tried again when the table is read, but no sooner than this after the last try.
pub(super) const LOCK_RECHECK: SignedDuration = SignedDuration::from_mins(10);

/// The newest reading of the table.
#[derive(Default)]
pub struct TableCache {
    /// `None`: it must be read.
    pub(super) table: Option<Arc<Table>>,
    /// The stored mapping, which `bootstrap` changes.
    pub(super) stored_mapping: Option<String>,
    /// The stored locked columns, which `bootstrap` changes, too.
    pub(super) stored_locks: Option<BTreeMap<String, Timestamp>>,
    /// How often the table was read.
    pub(super) readings: u64,
    /// Columns that are not as in the schema.
    pub(super) problems: LogThrottle,
    /// When columns for figures were last reported missing.
    pub(super) figures_logged_at: Option<Timestamp>,
}

/// Why a column does not accept our values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DisabledBy {
    /// Its type or its choices do not match.
    Type,
    /// Its permissions. The schema does not show them, so only a try shows that they have changed.
    Permission,
}

/// One reading of the table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Where the columns of the schema are.
    pub(super) mapping: Mapping,
    /// Columns that Airtable takes no values of ours for, by name: the fingerprint of each at that time.
    pub(super) disabled: BTreeMap<String, u64>,
    /// Those of them that are locked by their permissions.
    pub(super) locked: BTreeSet<String>,
    /// Columns that were disabled until this reading: they are tried again.
    pub(super) retried: BTreeSet<String>,
    /// All columns, of whatever type.
    pub(super) fields: Vec<Field>,
    /// The number of this reading in this process, from 1.
    pub(super) reading: u64,
    /// When it was read.
    pub(super) read_at: Timestamp,
}

impl Table {
    /// The field id of a column that can be written.
    pub(super) fn field_id(&self, column: &str) -> Option<&str> {
        let id = self.mapping.columns.get(column)?;
        (!self.disabled.contains_key(column)).then_some(id)
    }

    /// The column, by our name, that Airtable names by ID or by its current name.
    pub(super) fn column_named(&self, named: &str) -> Option<&str> {
        let by_name = self.fields.iter().find(|field| field.name == named);
        let id = by_name.map_or(named, |field| &field.id);
        let mut columns = self.mapping.columns.iter();
        let found =
            columns.find(|(name, known)| *known == id || (by_name.is_none() && *name == named));
        found.map(|(name, _)| name.as_str())
    }

    /// Whether the column is a select that lacks this choice.
    pub(super) fn lacks(&self, column: &str, choice: &str) -> bool {
        let choices = |field: &Field| {
            field
                .options
                .get("choices")
                .and_then(Value::as_array)
                .cloned()
        };
        let choices = self.field(column).and_then(choices);
        choices.is_some_and(|all| all.iter().all(|known| known["name"] != choice))
    }

    /// Whether the column's type is the schema's.
    pub(super) fn has_type(&self, column: &Column) -> bool {
        let field = self.field(&column.name);
        field.is_some_and(|field| field.kind == column.kind)
    }

    /// A hash of the column's type and options: another one means that somebody changed it.
    pub(super) fn fingerprint(&self, column: &str) -> Option<u64> {
        let field = self.field(column)?;
        Some(hash(&(field.kind.as_str(), &field.options)))
    }

    /// Whether a disabled column is due to be tried again.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        !self.disabled.is_empty() && now.duration_since(self.read_at) >= COLUMN_RECHECK
    }

    /// The columns that are disabled because people changed them, without locked ones.
    pub(super) fn changed_columns(&self) -> impl Iterator<Item = &String> {
        let disabled = self.disabled.keys();
        disabled.filter(|name| !self.locked.contains(*name))
    }

    fn field(&self, column: &str) -> Option<&Field> {
        let id = self.mapping.columns.get(column)?;
        self.fields.iter().find(|field| field.id == *id)
    }
}
