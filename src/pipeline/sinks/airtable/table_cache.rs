//! Reads the table once, and again when Airtable says that it has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    missing_figures::{is_missing_figure, log_missing_figures},
    sink::Airtable,
    table::{DisabledBy, LOCK_RECHECK, Table, TableCache},
};
use crate::{
    airtable::{Error, Field, Mapping, Step, locate},
    store::Setting,
};

impl Airtable {
    /// The cached table; it is read again if there is none or the cached one is out of date.
    pub(super) async fn table(&self, now: Timestamp) -> Result<Arc<Table>, Error> {
        let mut cache = self.table.lock().await;
        let key = self.client.mapping_key();
        let stored = self.store.get(Setting::Columns(&key)).await;
        let locks = self.store.locked_columns(&key).await;
        let is_bootstrapped = stored.is_ok_and(|stored| stored != cache.stored_mapping)
            || locks.is_ok_and(|locks| Some(locks) != cache.stored_locks);
        let table = match &cache.table {
            Some(table) if !is_bootstrapped && !table.is_stale(now) => table.clone(),
            _ => self.read_table(&mut cache, now).await?,
        };
        log_missing_figures(&mut cache.figures_logged_at, &self.schema, &table, now);
        Ok(table)
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
    pub(super) async fn disable_column(
        &self,
        column: &str,
        by: DisabledBy,
        seen: &Arc<Table>,
        now: Timestamp,
    ) -> Arc<Table> {
        let mut cache = self.table.lock().await;
        let mut table = cache.table.as_ref().unwrap_or(seen).as_ref().clone();
        let fingerprint = table.fingerprint(column).unwrap_or_default();
        let known = table.disabled.insert(column.to_owned(), fingerprint);
        table.retried.remove(column);
        if known.is_none() {
            log_disabled(column, by);
        }
        // If this fails, the column is tried once more after the next start.
        let key = self.client.mapping_key();
        let stored = self.store.set_refused_columns(&key, &table.disabled);
        stored.await.ok();
        if by == DisabledBy::Permission {
            table.locked.insert(column.to_owned());
            self.store.lock_column(&key, column, now).await.ok();
            cache.stored_locks = self.store.locked_columns(&key).await.ok();
        }
        let table = Arc::new(table);
        cache.table = Some(table.clone());
        table
    }

    /// Airtable has taken values for columns that were disabled before: rows that were written without them are completed.
    pub(super) async fn enable_columns(
        &self,
        columns: &BTreeSet<String>,
        seen: &Arc<Table>,
        now: Timestamp,
    ) -> Arc<Table> {
        let mut cache = self.table.lock().await;
        let mut table = cache.table.as_ref().unwrap_or(seen).as_ref().clone();
        let known = table.retried.len();
        table.retried.retain(|name| !columns.contains(name));
        // Another batch may have seen it first.
        if table.retried.len() < known {
            let key = self.client.mapping_key();
            tracing::info!(
                ?columns,
                "Airtable takes values for these columns again; rows that lack them are written again"
            );
            if let Err(error) = self.store.columns_work(&key, columns, now).await {
                tracing::warn!(%error, "rows without these columns could not be made due; `redrive --sink airtable --all` does so");
            }
            cache.stored_locks = self.store.locked_columns(&key).await.ok();
        }
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
        let problems = problems.iter();
        log_problems(
            cache,
            problems.filter(|step| !is_missing_figure(&self.schema, step)),
        );
        if let Some(before) = before.filter(|before| before.table_id == mapping.table_id) {
            keep_retyped(&mut mapping, before, &found.fields);
        }
        self.log_move(&mapping.table_id).await;
        let text = serde_json::to_string(&mapping).unwrap_or_default();
        // If this fails, the columns are found by name next time.
        self.store.set(Setting::Columns(&key), &text).await.ok();
        cache.stored_mapping = self.store.get(Setting::Columns(&key)).await.ok().flatten();
        cache.stored_locks = self.store.locked_columns(&key).await.ok();
        cache.readings += 1;
        let mut table = Table {
            mapping,
            disabled: BTreeMap::new(),
            locked: BTreeSet::new(),
            retried: BTreeSet::new(),
            fields: found.fields,
            reading: cache.readings,
            read_at: now,
        };
        let locked = cache.stored_locks.clone().unwrap_or_default();
        let mut before = self.store.refused_columns(&key).await.unwrap_or_default();
        table.disabled = self.still_disabled(&table, &locked, before.clone());
        // Another column than before, or perhaps another permission: if neither, the same values would be rejected again.
        before.retain(|name, was| {
            let is_other = locked.contains_key(name) || table.fingerprint(name) != Some(*was);
            is_other && !table.disabled.contains_key(name)
        });
        table.retried = before.into_keys().collect();
        let is_disabled = |name: &String| table.disabled.contains_key(name);
        table.locked = locked.into_keys().filter(is_disabled).collect();
        let table = Arc::new(table);
        cache.table = Some(table.clone());
        Ok(table)
    }

    /// The disabled columns that have not changed. A `locked` one is tried again after a while.
    fn still_disabled(
        &self,
        table: &Table,
        locked: &BTreeMap<String, Timestamp>,
        disabled: BTreeMap<String, u64>,
    ) -> BTreeMap<String, u64> {
        let same = |(name, was): &(String, u64)| table.fingerprint(name) == Some(*was);
        // The column looks correct to a person, so only a restart can enable it again.
        let is_first = table.reading == 1;
        let is_old = |tried_at: &Timestamp| {
            *tried_at <= table.read_at - LOCK_RECHECK || *tried_at > table.read_at
        };
        let is_tried = |name: &str| match locked.get(name) {
            Some(tried_at) => is_first || is_old(tried_at),
            None => is_first && self.is_as_it_should_be(name, table),
        };
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

fn log_disabled(column: &str, by: DisabledBy) {
    match by {
        DisabledBy::Type => tracing::warn!(
            column,
            "column disabled: Airtable does not take its values, so rows are written without it until it changes; \
             `livekit-airtable bootstrap` shows how to fix it"
        ),
        DisabledBy::Permission => tracing::warn!(
            column,
            "column locked: its permissions in Airtable do not let AIRTABLE_TOKEN's user edit it, so rows are written \
             without it; it is tried again every hour. `livekit-airtable bootstrap` shows how to fix it"
        ),
    }
}

fn log_problems<'a>(cache: &TableCache, problems: impl Iterator<Item = &'a Step>) {
    for problem in problems.map(ToString::to_string) {
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
