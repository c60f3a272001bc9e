//! Reads the table once, and again when Airtable says that it has changed.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    sink::Airtable,
    table::{Table, TableCache},
};
use crate::{
    airtable::{Error, Field, Mapping, Step, locate},
    store::Setting,
};

impl Airtable {
    /// The table as it was last read; it is read now when nothing is known of it or what is cached is out of date.
    pub(super) async fn table(&self, now: Timestamp) -> Result<Arc<Table>, Error> {
        let mut cache = self.table.lock().await;
        let key = self.client.mapping_key();
        let stored = self.store.get(Setting::Columns(&key)).await;
        let is_bootstrapped = stored.is_ok_and(|stored| stored != cache.stored_mapping);
        match &cache.table {
            Some(table) if !is_bootstrapped && !table.is_stale(now) => Ok(table.clone()),
            _ => self.read_table(&mut cache, now).await,
        }
    }

    /// Reads the table again, unless another batch has done so since `seen`.
    pub(super) async fn table_after(
        &self,
        seen: &Arc<Table>,
        now: Timestamp,
    ) -> Result<Arc<Table>, Error> {
        let mut cache = self.table.lock().await;
        match &cache.table {
            Some(table) if table.reading != seen.reading => Ok(table.clone()),
            _ => self.read_table(&mut cache, now).await,
        }
    }

    /// The cached table is outdated: the next delivery reads it again.
    pub(super) async fn invalidate_table(&self) {
        self.table.lock().await.table = None;
    }

    /// From now on nothing is sent to this column, until somebody changes it.
    pub(super) async fn disable_column(&self, column: &str, seen: &Arc<Table>) -> Arc<Table> {
        let mut cache = self.table.lock().await;
        let mut table = cache.table.as_ref().unwrap_or(seen).as_ref().clone();
        let fingerprint = table.fingerprint(column).unwrap_or_default();
        let known = table.disabled.insert(column.to_owned(), fingerprint);
        if known.is_none() {
            tracing::warn!(
                column,
                "column disabled: Airtable does not take its values, so rows are written without it until it changes; \
                 `livekit-airtable bootstrap` shows how to fix it"
            );
        }
        let text = serde_json::to_string(&table.disabled).unwrap_or_default();
        // If this fails, the column is tried once more after the next start.
        let key = self.client.mapping_key();
        let setting = Setting::RefusedColumns(&key);
        self.store.set(setting, &text).await.ok();
        let table = Arc::new(table);
        cache.table = Some(table.clone());
        table
    }

    async fn read_table(
        &self,
        cache: &mut TableCache,
        now: Timestamp,
    ) -> Result<Arc<Table>, Error> {
        let key = self.client.mapping_key();
        let before: Option<Mapping> = self.setting(Setting::Columns(&key)).await;
        let (found, mut mapping, problems) =
            locate(&self.client, &self.schema, before.as_ref()).await?;
        log_problems(cache, &problems);
        if let Some(before) = before.filter(|before| before.table_id == mapping.table_id) {
            keep_retyped(&mut mapping, before, &found.fields);
        }
        self.log_move(&mapping.table_id).await;
        let text = serde_json::to_string(&mapping).unwrap_or_default();
        // If this fails, the columns are found by name next time.
        self.store.set(Setting::Columns(&key), &text).await.ok();
        cache.stored_mapping = self.store.get(Setting::Columns(&key)).await.ok().flatten();
        cache.readings += 1;
        let mut table = Table {
            mapping,
            disabled: BTreeMap::new(),
            fields: found.fields,
            reading: cache.readings,
            read_at: now,
        };
        table.disabled = self.still_disabled(&table).await;
        let table = Arc::new(table);
        cache.table = Some(table.clone());
        Ok(table)
    }

    /// The disabled columns that are as they were.
    async fn still_disabled(&self, table: &Table) -> BTreeMap<String, u64> {
        let key = self.client.mapping_key();
        let setting = self.setting(Setting::RefusedColumns(&key)).await;
        let disabled: BTreeMap<String, u64> = setting.unwrap_or_default();
        let same = |(name, was): &(String, u64)| table.fingerprint(name) == Some(*was);
        // The column looks correct to a person, so only a restart can enable it again.
        let is_first = table.reading == 1;
        let is_tried = |name: &str| is_first && self.is_as_it_should_be(name, table);
        let disabled = disabled.into_iter().filter(same);
        disabled.filter(|(name, _)| !is_tried(name)).collect()
    }

    /// A select's choices are checked when Airtable refuses one.
    fn is_as_it_should_be(&self, name: &str, table: &Table) -> bool {
        let column = self.schema.column(name);
        column.is_some_and(|column| table.has_type(column) && !column.kind.is_select())
    }

    /// Rows that were written stay where they are; it is logged once what to do about that.
    async fn log_move(&self, table_id: &str) {
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
                "rows are written to another table from now on; rows of delivered calls stay in the old one: \
                 `livekit-airtable redrive --sink airtable --all` writes them to the new one, too"
            );
        }
        self.store.set(Setting::WrittenTable, table_id).await.ok();
    }

    async fn setting<T: serde::de::DeserializeOwned>(&self, setting: Setting<'_>) -> Option<T> {
        let text = self.store.get(setting).await.ok()??;
        serde_json::from_str(&text).ok()
    }
}

fn log_problems(cache: &TableCache, problems: &[Step]) {
    for problem in problems.iter().map(ToString::to_string) {
        if cache.problems.should_log(&problem).is_some() {
            tracing::warn!(
                %problem,
                "a column differs from the schema; run `livekit-airtable bootstrap` for details"
            );
        }
    }
}

/// Columns of ours whose type people have changed: the new type may accept our values, and Airtable reports it if not.
fn keep_retyped(mapping: &mut Mapping, before: Mapping, fields: &[Field]) {
    for (name, id) in before.columns {
        if fields.iter().any(|field| field.id == id) {
            mapping.columns.entry(name).or_insert(id);
        }
    }
}
