//! Which column is at fault when Airtable refuses rows.

use serde_json::Value;

use super::batch::{RowChange, WriteBatch};
use crate::airtable::{Class, Error};

impl WriteBatch<'_> {
    /// The column of ours whose values Airtable rejects, if it was sent; never the key, because a row needs it. An
    /// error: the schema could not be read.
    pub(super) async fn column_at_fault(
        &mut self,
        changes: &[RowChange],
        error: &Error,
    ) -> Result<Option<String>, Error> {
        let column = match error.class() {
            Class::Row { .. } if is_about_an_attachment(error) => None,
            Class::Row {
                column: Some(named),
            } => {
                if self.table.column_named(&named).is_none() {
                    // People may have renamed it since.
                    self.table = self.sink.table_after(&self.table, self.now).await?;
                }
                self.table.column_named(&named).map(str::to_owned)
            }
            Class::Choice { choice } => self.column_without_choice(&choice, changes).await?,
            _ => None,
        };
        let key = &self.sink.schema.key().name;
        if column.as_ref() == Some(key) {
            // A key of another type is no fault of the row: reading the table reports it as what it is.
            self.table = self.sink.table_after(&self.table, self.now).await?;
        }
        let sent = |column: &String| {
            changes
                .iter()
                .any(|change| change.cells.contains_key(column))
        };
        Ok(column.filter(|column| column != key && sent(column)))
    }

    /// The columns of ours that were sent and that Airtable names as locked, without the key.
    pub(super) async fn locked_columns(
        &mut self,
        changes: &[RowChange],
        error: &Error,
    ) -> Result<Vec<String>, Error> {
        let Class::ColumnPermission { columns: named } = error.class() else {
            return Ok(Vec::new());
        };
        if named
            .iter()
            .all(|named| self.table.column_named(named).is_none())
        {
            // People may have renamed them since.
            self.table = self.sink.table_after(&self.table, self.now).await?;
        }
        let key = &self.sink.schema.key().name;
        let columns = named
            .iter()
            .filter_map(|named| self.table.column_named(named));
        let is_sent = |column: &&str| {
            changes
                .iter()
                .any(|change| change.cells.contains_key(*column))
        };
        let columns = columns.filter(|column| column != key).filter(is_sent);
        Ok(columns.map(str::to_owned).collect())
    }

    /// The select column of ours that lacks this choice: Airtable names only the choice.
    async fn column_without_choice(
        &mut self,
        choice: &str,
        changes: &[RowChange],
    ) -> Result<Option<String>, Error> {
        let holds = |cell: &Value| match cell {
            Value::Array(choices) => choices.iter().any(|one| one == choice),
            cell => cell == choice,
        };
        // What another batch read meanwhile may be older than the change.
        for _ in 0..2 {
            self.table = self.sink.table_after(&self.table, self.now).await?;
            let mut cells = changes.iter().flat_map(|change| &change.cells);
            let column =
                cells.find(|(column, cell)| holds(cell) && self.table.lacks(column, choice));
            if let Some((column, _)) = column {
                return Ok(Some(column.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the column still matches the schema, so that Airtable rejects only one call's value.
    pub(super) async fn is_about_a_value(
        &mut self,
        column: &str,
        error: &Error,
    ) -> Result<bool, Error> {
        let Some(column) = self.sink.schema.column(column) else {
            return Ok(false);
        };
        let is_row = matches!(error.class(), Class::Row { .. });
        if !is_row || !column.from.is_of_a_call() || !self.table.has_type(column) {
            return Ok(false);
        }
        if self.reread.for_refused_value() {
            // People may have changed the type since.
            self.table = self.sink.table_after(&self.table, self.now).await?;
        }
        Ok(self.table.has_type(column))
    }
}

/// Airtable names an attachment cell that it cannot use: that concerns one recording, not the column.
pub(super) fn is_about_an_attachment(error: &Error) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.is_about_an_attachment())
}
