//! What is known of the table: where its columns are, and which of them take no values of ours. Read once, and again
//! when Airtable says that it has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Airtable, row::hash};
use crate::{
    airtable::{Column, Error, Field, Mapping, locate},
    store::Setting,
};

/// A column that Airtable refused is looked at again so often: somebody may have mended it.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// The newest reading, and what has been told of its columns.
#[derive(Default)]
pub struct Known {
    table: Option<Arc<Table>>,
    /// The mapping as it is stored: `bootstrap` changes it.
    stored: Option<String>,
    readings: u64,
    told: BTreeSet<String>,
}

/// One reading of the table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub mapping: Mapping,
    /// Columns that Airtable takes no values of ours for, by name: a hash of what they were like.
    pub refused: BTreeMap<String, u64>,
    fields: Vec<Field>,
    /// Which reading this is, and when it was.
    reading: u64,
    read_at: Timestamp,
}

impl Table {
    /// The field id of a column that can be written.
    pub fn field_id(&self, column: &str) -> Option<&str> {
        let id = self.mapping.columns.get(column)?;
        (!self.refused.contains_key(column)).then_some(id)
    }

    /// The column, by our name of it, that Airtable names by id or by whatever people call it now.
    pub fn column_named(&self, named: &str) -> Option<&str> {
        let by_name = self.fields.iter().find(|field| field.name == named);
        let id = by_name.map_or(named, |field| &field.id);
        let mut columns = self.mapping.columns.iter();
        let found =
            columns.find(|(name, known)| *known == id || (by_name.is_none() && *name == named));
        found.map(|(name, _)| name.as_str())
    }

    /// Whether the column is a select that lacks this choice.
    pub fn lacks(&self, column: &str, choice: &str) -> bool {
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
    pub fn has_type(&self, column: &Column) -> bool {
        let field = self.field(&column.name);
        field.is_some_and(|field| field.kind == column.kind)
    }

    fn field(&self, column: &str) -> Option<&Field> {
        let id = self.mapping.columns.get(column)?;
        self.fields.iter().find(|field| field.id == *id)
    }

    /// A hash of the column's type and options.
    fn likeness(&self, column: &str) -> Option<u64> {
        let field = self.field(column)?;
        Some(hash(&(&field.kind, &field.options)))
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        !self.refused.is_empty() && now.duration_since(self.read_at) >= LOOK_AGAIN
    }
}

impl Airtable {
    pub(super) async fn table(&self, now: Timestamp) -> Result<Arc<Table>, Error> {
        let mut known = self.table.lock().await;
        let stored = self
            .store
            .get(Setting::Columns(&self.client.mapping_key()))
            .await;
        let bootstrapped = stored.is_ok_and(|stored| stored != known.stored);
        match &known.table {
            Some(table) if !bootstrapped && !table.is_stale(now) => Ok(table.clone()),
            _ => self.read_table(&mut known, now).await,
        }
    }

    /// Reads the table again, unless somebody has done so since `seen`.
    pub(super) async fn table_after(
        &self,
        seen: &Arc<Table>,
        now: Timestamp,
    ) -> Result<Arc<Table>, Error> {
        let mut known = self.table.lock().await;
        match &known.table {
            Some(table) if table.reading != seen.reading => Ok(table.clone()),
            _ => self.read_table(&mut known, now).await,
        }
    }

    /// What is known of the table is wrong: the next delivery reads it.
    pub(super) async fn forget_table(&self) {
        self.table.lock().await.table = None;
    }

    /// From now on nothing is sent to this column, until it is another.
    pub(super) async fn leave_out(&self, column: &str, seen: &Arc<Table>) -> Arc<Table> {
        let mut known = self.table.lock().await;
        let mut table = known.table.as_ref().unwrap_or(seen).as_ref().clone();
        let likeness = table.likeness(column).unwrap_or_default();
        if table.refused.insert(column.to_owned(), likeness).is_none() {
            tracing::warn!(
                column,
                "Airtable does not take our values for a column; rows are written without it until it changes, and `livekit-airtable bootstrap` says how to mend it"
            );
        }
        let text = serde_json::to_string(&table.refused).unwrap_or_default();
        // Without it the column is tried once more after the next start.
        self.store
            .set(Setting::RefusedColumns(&self.client.mapping_key()), &text)
            .await
            .ok();
        let table = Arc::new(table);
        known.table = Some(table.clone());
        table
    }

    async fn read_table(&self, known: &mut Known, now: Timestamp) -> Result<Arc<Table>, Error> {
        let before: Option<Mapping> = self
            .stored(Setting::Columns(&self.client.mapping_key()))
            .await;
        let (found, mut mapping, problems) =
            locate(&self.client, &self.schema, before.as_ref()).await?;
        for problem in problems.iter().map(ToString::to_string) {
            if known.told.insert(problem.clone()) {
                tracing::warn!(%problem, "a column is not as it should be; `livekit-airtable bootstrap` says more");
            }
        }
        if let Some(before) = before.filter(|before| before.table_id == mapping.table_id) {
            keep_retyped(&mut mapping, before, &found.fields);
        }
        self.tell_of_move(&mapping.table_id).await;
        let text = serde_json::to_string(&mapping).unwrap_or_default();
        // Without it the columns are found by name the next time.
        self.store
            .set(Setting::Columns(&self.client.mapping_key()), &text)
            .await
            .ok();
        known.stored = self
            .store
            .get(Setting::Columns(&self.client.mapping_key()))
            .await
            .ok()
            .flatten();
        known.readings += 1;
        let mut table = Table {
            mapping,
            refused: BTreeMap::new(),
            fields: found.fields,
            reading: known.readings,
            read_at: now,
        };
        let refused: BTreeMap<String, u64> = self
            .stored(Setting::RefusedColumns(&self.client.mapping_key()))
            .await
            .unwrap_or_default();
        let same = |(name, was): &(String, u64)| table.likeness(name) == Some(*was);
        // Nothing that a person could see is wrong with it, so a restart is the way back.
        let starts = known.readings == 1;
        let tried = |name: &str| starts && self.is_as_it_should_be(name, &table);
        let refused = refused.into_iter().filter(same);
        table.refused = refused.filter(|(name, _)| !tried(name)).collect();
        let table = Arc::new(table);
        known.table = Some(table.clone());
        Ok(table)
    }

    /// A select's choices are looked at when Airtable refuses one.
    fn is_as_it_should_be(&self, name: &str, table: &Table) -> bool {
        let mut columns = self.schema.enabled();
        let column = columns.find(|column| column.name == name);
        column.is_some_and(|column| table.has_type(column) && !column.kind.contains("Select"))
    }

    /// Rows that were written stay where they are; it is said once what to do about that.
    async fn tell_of_move(&self, table_id: &str) {
        let Ok(before) = self.store.get(Setting::WrittenTable).await else {
            return;
        };
        if before.as_deref() == Some(table_id) {
            return;
        }
        if let Some(before) = before {
            tracing::warn!(
                before,
                now = table_id,
                "rows go to another table from now on; those of calls that were delivered stay where they are: `livekit-airtable redrive --sink airtable --all` writes them here, too"
            );
        }
        self.store.set(Setting::WrittenTable, table_id).await.ok();
    }

    async fn stored<T: serde::de::DeserializeOwned>(&self, setting: Setting<'_>) -> Option<T> {
        let text = self.store.get(setting).await.ok()??;
        serde_json::from_str(&text).ok()
    }
}

/// Columns of ours whose type people have changed: the new one may take our values, and Airtable says when it does not.
fn keep_retyped(mapping: &mut Mapping, before: Mapping, fields: &[Field]) {
    for (name, id) in before.columns {
        if fields.iter().any(|field| field.id == id) {
            mapping.columns.entry(name).or_insert(id);
        }
    }
}
