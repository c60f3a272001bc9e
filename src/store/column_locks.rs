//! COLUMNS of an Airtable table that are not written: which refuse our values, and which are locked by their permissions.
//! `table` is the table as `app…/name or id`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::AssertSqlSafe;

use super::{error::Result, open::Store, settings::Setting, sql::time};

/// Rows that were written without a column: the sink's state lists it. Quotes inside its texts are escaped, so none of them
/// can look like this field.
const LACKS_COLUMNS: &str =
    r#"sink = 'airtable' AND state = 'done' AND memo LIKE '%"disabled":[%'"#;
/// How many of them show whether the columns work: fewer than the rejected values after which a column counts as unusable.
const TRIED: i64 = 2;
/// Milliseconds from one such row to the next: half of Airtable's usual rate of ten rows in a request and five requests a second.
const ROW_SPACING: i64 = 40;

impl Store {
    /// The locked columns, and when each was last tried.
    pub async fn locked_columns(&self, table: &str) -> Result<BTreeMap<String, Timestamp>> {
        let stored: BTreeMap<String, i64> = self.map(Setting::LockedColumns(table)).await?;
        let at = |(name, millis)| (name, time(millis));
        Ok(stored.into_iter().map(at).collect())
    }

    /// Notes that a column is locked, or still is.
    pub async fn lock_column(&self, table: &str, column: &str, now: Timestamp) -> Result<()> {
        let mut locked = self.locked_columns(table).await?;
        locked.insert(column.to_owned(), now);
        self.set_locked_columns(table, &locked).await
    }

    /// Stores the result of a test of all columns, so that a running service writes those again that were unlocked. What
    /// was known of an untested column stays.
    pub async fn replace_locked_columns(
        &self,
        table: &str,
        locked: &[String],
        untested: &[String],
        now: Timestamp,
    ) -> Result<()> {
        let before = self.locked_columns(table).await?;
        let is_kept = |(name, _): &(String, Timestamp)| untested.contains(name);
        let kept = before.clone().into_iter().filter(is_kept);
        let tested = locked.iter().map(|name| (name.clone(), now));
        let locked: BTreeMap<String, Timestamp> = kept.chain(tested).collect();
        let mut refused = self.refused_columns(table).await?;
        refused.retain(|name, _| !before.contains_key(name) || locked.contains_key(name));
        self.set_refused_columns(table, &refused).await?;
        self.set_locked_columns(table, &locked).await?;
        match before.keys().all(|name| locked.contains_key(name)) {
            true => Ok(()),
            false => self.complete_rows(now).await,
        }
    }

    /// Airtable takes values for these columns again: nothing is known against them any more, and rows that were written
    /// without a column are due.
    pub async fn columns_work(
        &self,
        table: &str,
        columns: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<()> {
        let mut locked = self.locked_columns(table).await?;
        locked.retain(|name, _| !columns.contains(name));
        self.set_locked_columns(table, &locked).await?;
        let mut refused = self.refused_columns(table).await?;
        refused.retain(|name, _| !columns.contains(name));
        self.set_refused_columns(table, &refused).await?;
        self.complete_rows(now).await
    }

    /// If any column is locked, some rows that were written without one are due: those with a value for it, if there are any.
    pub async fn try_incomplete_rows(&self, table: &str, now: Timestamp) -> Result<()> {
        if self.locked_columns(table).await?.is_empty() {
            return Ok(());
        }
        let due = format!(
            "UPDATE deliveries SET due_at = $1 WHERE {LACKS_COLUMNS} AND due_at > $1 AND call_id IN
               (SELECT call_id FROM deliveries WHERE {LACKS_COLUMNS} ORDER BY due_at LIMIT $2)"
        );
        sqlx::query(AssertSqlSafe(due))
            .bind(now.as_millisecond())
            .bind(TRIED)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Rows that were written without a column are due, so far apart that others are sent in between.
    async fn complete_rows(&self, now: Timestamp) -> Result<()> {
        let count = format!("SELECT COUNT(*) FROM deliveries WHERE {LACKS_COLUMNS}");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&self.read)
            .await?;
        let due =
            format!("UPDATE deliveries SET due_at = $1 + created_at % $2 WHERE {LACKS_COLUMNS}");
        sqlx::query(AssertSqlSafe(due))
            .bind(now.as_millisecond())
            .bind(rows.max(1).saturating_mul(ROW_SPACING))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The columns that refuse our values, with the fingerprint of each at that time.
    pub async fn refused_columns(&self, table: &str) -> Result<BTreeMap<String, u64>> {
        self.map(Setting::RefusedColumns(table)).await
    }

    /// Replaces the columns that refuse our values.
    pub async fn set_refused_columns(
        &self,
        table: &str,
        refused: &BTreeMap<String, u64>,
    ) -> Result<()> {
        self.set_map(Setting::RefusedColumns(table), refused).await
    }

    async fn set_locked_columns(
        &self,
        table: &str,
        locked: &BTreeMap<String, Timestamp>,
    ) -> Result<()> {
        let millis = locked
            .iter()
            .map(|(name, at)| (name.clone(), at.as_millisecond()));
        let millis: BTreeMap<String, i64> = millis.collect();
        self.set_map(Setting::LockedColumns(table), &millis).await
    }

    /// A map that cannot be read is empty: its columns are tried again.
    async fn map<T: DeserializeOwned>(&self, setting: Setting<'_>) -> Result<BTreeMap<String, T>> {
        let text = self.get(setting).await?;
        let map = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(map.unwrap_or_default())
    }

    async fn set_map<T: Serialize>(
        &self,
        setting: Setting<'_>,
        map: &BTreeMap<String, T>,
    ) -> Result<()> {
        self.set(setting, &serde_json::to_string(map)?).await
    }
}
