//! Handles rows that Airtable rejects: nine good rows are written, and a column that a user changed costs the row a
//! line in Error, not the row.

use super::{
    batch::{RowChange, WriteBatch},
    blame::is_about_an_attachment,
    outcome::{self, CONFIGURATION, QUOTA},
    row::Row,
    table::DisabledBy,
};
use crate::{
    airtable::{Class, Error},
    pipeline::deliver::Outcome,
};

/// After this many rejected values of a column in a row, the column is considered unusable.
const MAX_REFUSALS: usize = 3;

impl WriteBatch<'_> {
    /// Decides what to do with a group of rows that Airtable rejected together.
    pub(super) async fn refused(&mut self, changes: Vec<RowChange>, error: &Error) {
        let locked = self.locked_columns(&changes, error).await;
        let at_fault = self.column_at_fault(&changes, error).await;
        let mut rows: Vec<Row> = changes.into_iter().map(|change| change.row).collect();
        for row in &mut rows {
            row.done.http_status = error.status();
        }
        match locked {
            Ok(columns) if columns.is_empty() => {}
            Ok(columns) => return self.without_locked(&columns, rows).await,
            Err(error) => return self.end_all(rows, &error),
        }
        match at_fault {
            Ok(None) => {}
            Ok(Some(column)) => return self.without(&column, rows, error).await,
            Err(error) => return self.end_all(rows, &error),
        }
        if error.is_of_an_intermediary() {
            return self.refused_on_the_way(rows, error).await;
        }
        if self.locks_key(error) {
            return self.key_refused(rows, error).await;
        }
        if error.may_concern_creates() {
            rows = self.creates_refused(rows, error).await;
        }
        if !rows.is_empty() {
            self.refused_rows(rows, error).await;
        }
    }

    /// Splits the rows until only the ones at fault are left, or ends them.
    async fn refused_rows(&mut self, rows: Vec<Row>, error: &Error) {
        match error.class() {
            Class::UnknownField if self.reread.for_unknown_field() => self.map_again(rows).await,
            Class::Row { .. } | Class::Choice { .. } | Class::RowGone | Class::TooLarge
                if rows.len() > 1 =>
            {
                self.split(rows, error)
            }
            class => {
                if class == Class::Configuration {
                    // The table may be another one when it works again.
                    self.sink.invalidate_table().await;
                }
                for row in rows {
                    self.refused_row(row, error).await;
                }
            }
        }
    }

    /// Writes the rows without what Airtable rejected: a column that people changed, or else one row's value.
    async fn without(&mut self, column: &str, mut rows: Vec<Row>, error: &Error) {
        match self.is_about_a_value(column, error).await {
            Err(error) => self.end_all(rows, &error),
            Ok(true) if rows.len() > 1 => self.split(rows, error),
            Ok(true) if self.strike(column) < MAX_REFUSALS => {
                for row in &mut rows {
                    let call = &self.due[row.index].call.id;
                    tracing::warn!(
                        %call,
                        column,
                        "Airtable rejected a value; the row is written without it"
                    );
                    row.refuse(column, &self.table);
                }
                self.groups.push(rows);
            }
            Ok(_) => {
                self.disable(column, DisabledBy::Type).await;
                self.groups.push(rows);
            }
        }
    }

    /// Writes the rows without the columns that are locked.
    async fn without_locked(&mut self, columns: &[String], rows: Vec<Row>) {
        for column in columns {
            self.disable(column, DisabledBy::Permission).await;
        }
        self.groups.push(rows);
    }

    async fn disable(&mut self, column: &str, by: DisabledBy) {
        let disabled = self.sink.disable_column(column, by, &self.table, self.now);
        self.table = disabled.await;
    }

    /// Whether the key column is locked.
    fn locks_key(&self, error: &Error) -> bool {
        let Class::ColumnPermission { columns } = error.class() else {
            return false;
        };
        let key = Some(self.sink.schema.key().name.as_str());
        columns
            .iter()
            .any(|column| self.table.column_named(column) == key)
    }

    /// How many values of the column were rejected in a row.
    fn strike(&mut self, column: &str) -> usize {
        let count = self.refusal_counts.entry(column.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Sends the rows in two requests.
    pub(super) fn split(&mut self, mut rows: Vec<Row>, error: &Error) {
        let right = rows.split_off(self.split_point(&rows, error));
        self.groups.extend([rows, right]);
    }

    /// Where to split: a record that is gone is named, and goes alone; else in the middle.
    fn split_point(&self, rows: &[Row], error: &Error) -> usize {
        let gone = error
            .refusal()
            .and_then(|refusal| refusal.record_id.as_ref());
        let is_gone = |row: &Row| gone.is_some() && row.state.record_id.as_ref() == gone;
        match rows.iter().position(is_gone) {
            Some(0) => 1,
            Some(last) if last + 1 == rows.len() => last,
            _ => rows.len() / 2,
        }
    }

    async fn refused_row(&mut self, mut row: Row, error: &Error) {
        let index = row.index;
        match error.class() {
            Class::RowGone if row.state.record_id.is_some() => {
                let state = row.state.deleted();
                let due = (index, &self.due[index]);
                let back = self
                    .sink
                    .row_with(state.clone(), due, &self.table, self.now);
                match back.await {
                    Ok(Some(row)) => self.groups.push(vec![row]),
                    Ok(None) => self.finish_deleted(index, &state),
                    Err(error) => self.end(index, Outcome::Retry { after: None, error }),
                }
            }
            Class::Row { .. } if row.upload.is_some() && is_about_an_attachment(error) => {
                tracing::warn!(call = %self.due[index].call.id, %error, "Airtable rejected the recording; the row is written without it");
                row.attachment_refused(self.now);
                self.groups.push(vec![row]);
            }
            Class::Row { .. } if row.state.record_id.is_none() => {
                match self.ambiguous(&row).await {
                    Some(answer) => self.finish_unsent(row, answer),
                    None => self.new_row_refused(row, error).await,
                }
            }
            _ => self.finish_unsent(row, outcome::of(error)),
        }
    }

    /// Reads the schema again, maps the columns, and retries once.
    async fn map_again(&mut self, rows: Vec<Row>) {
        match self.sink.table_after(&self.table, self.now).await {
            Ok(table) => {
                self.table = table;
                self.groups.push(rows);
            }
            Err(error) => self.end_all(rows, &error),
        }
    }

    /// More than one record has the call's ID: no third one is created, and a person decides which one to keep.
    async fn ambiguous(&self, row: &Row) -> Option<Outcome> {
        let due = &self.due[row.index];
        let (table_id, key) = (&self.table.mapping.table_id, self.key_field()?);
        let found = self.sink.client.find(table_id, key, &due.call.id);
        let records = match found.await {
            Ok(records) if records.len() > 1 => records,
            Ok(_) => return None,
            Err(error) => return Some(outcome::of(&error)),
        };
        let error = format!(
            "{} records have the {} {}: {}. Delete all but one in Airtable; the service then writes the call there.",
            records.len(),
            self.sink.schema.key().name,
            due.call.id,
            records.join(" and "),
        );
        // A minute, two, four … an hour: a probe takes two requests.
        let doubled = CONFIGURATION * 2_u32.pow(due.delivery.attempts.clamp(0, 6) as u32);
        Some(Outcome::Park {
            after: doubled.min(QUOTA),
            error,
        })
    }
}
