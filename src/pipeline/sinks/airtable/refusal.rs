//! What becomes of rows that Airtable refuses: nine good rows land, and a column that a user changed costs the row a
//! line in Error, not the row.

use std::time::Duration;

use serde_json::Value;

use super::{
    row::{Row, is_of_a_call},
    trip::{Parcel, Trip},
};
use crate::{
    airtable::{Class, Error},
    pipeline::deliver::Outcome,
};

const CONFIGURATION: Duration = Duration::from_secs(60);
const QUOTA: Duration = Duration::from_secs(3600);
/// So many rows' values in a column, one after the other and none taken between: then it is the column.
const STRIKES: usize = 3;

impl Trip<'_> {
    /// Decides for a group of rows that Airtable refused together.
    pub(super) async fn refused(&mut self, parcels: Vec<Parcel>, error: &Error) {
        let blamed = self.blamed(&parcels, error).await;
        let rows: Vec<Row> = parcels.into_iter().map(|(row, _)| row).collect();
        match blamed {
            Ok(None) => {}
            Ok(Some(column)) => return self.without(&column, rows, error).await,
            Err(error) => return self.end_all(rows, &error),
        }
        match error.class() {
            Class::UnknownField if !self.read_again => self.map_again(rows).await,
            Class::Row { .. } | Class::Choice { .. } | Class::RowGone | Class::TooLarge
                if rows.len() > 1 =>
            {
                self.split(rows, error)
            }
            class => {
                if class == Class::Configuration {
                    // The table itself may be another one when it works again.
                    self.sink.forget_table().await;
                }
                for row in rows {
                    self.refused_row(row, error).await;
                }
            }
        }
    }

    /// The rows go without what Airtable refused: a column that people changed, else one row's value.
    async fn without(&mut self, column: &str, mut rows: Vec<Row>, error: &Error) {
        match self.is_about_a_value(column, error).await {
            Err(error) => self.end_all(rows, &error),
            Ok(true) if rows.len() > 1 => self.split(rows, error),
            Ok(true) if self.strike(column) < STRIKES => {
                for row in &mut rows {
                    let call = &self.due[row.slot].call.id;
                    tracing::warn!(
                        call,
                        column,
                        "Airtable refused a value; the row goes without it"
                    );
                    row.refuse(column, &self.table);
                }
                self.groups.push(rows);
            }
            Ok(_) => {
                self.table = self.sink.leave_out(column, &self.table).await;
                self.groups.push(rows);
            }
        }
    }

    /// Whether the column is as the schema has it, so that it is a value of one call's that Airtable does not take.
    async fn is_about_a_value(&mut self, column: &str, error: &Error) -> Result<bool, Error> {
        let mut columns = self.sink.schema.enabled();
        let Some(column) = columns.find(|known| known.name == column) else {
            return Ok(false);
        };
        let of_a_call = matches!(error.class(), Class::Row { .. }) && is_of_a_call(&column.from);
        if !of_a_call || !self.table.has_type(column) {
            return Ok(false);
        }
        if !self.looked_again {
            // People may have changed the type since.
            self.table = self.sink.table_after(&self.table, self.now).await?;
            self.looked_again = true;
        }
        Ok(self.table.has_type(column))
    }

    /// How many rows' values of the column were refused one after the other.
    fn strike(&mut self, column: &str) -> usize {
        let strikes = self.strikes.entry(column.to_owned()).or_default();
        *strikes += 1;
        *strikes
    }

    fn split(&mut self, mut rows: Vec<Row>, error: &Error) {
        let right = rows.split_off(self.middle(&rows, error));
        self.groups.extend([rows, right]);
    }

    /// Where to split: a record that is gone is named, and alone; else in the middle.
    fn middle(&self, rows: &[Row], error: &Error) -> usize {
        let text = error.to_string();
        let named = |row: &Row| {
            row.sink_state
                .record
                .as_ref()
                .is_some_and(|id| text.contains(id.as_str()))
        };
        match rows.iter().position(named) {
            Some(0) => 1,
            Some(last) if last + 1 == rows.len() => last,
            _ => rows.len() / 2,
        }
    }

    async fn refused_row(&mut self, mut row: Row, error: &Error) {
        let slot = row.slot;
        match error.class() {
            Class::RowGone if row.sink_state.record.is_some() => {
                let sink_state = row.gone();
                let due = &self.due[slot];
                let back = self
                    .sink
                    .row_of(slot, due, sink_state.clone(), &self.table, self.now);
                match back.await {
                    Ok(Some(row)) => self.groups.push(vec![row]),
                    Ok(None) => self.gone(slot, &sink_state),
                    Err(error) => self.end(slot, Outcome::Retry { after: None, error }),
                }
            }
            Class::Row { .. } if row.sending.is_some() && is_about_attachments(error) => {
                tracing::warn!(call = self.due[slot].call.id, %error, "Airtable refused the recording; the row goes without it");
                row.copy_refused(self.now);
                self.groups.push(vec![row]);
            }
            Class::Row { .. } if row.sink_state.record.is_none() => {
                let answer = self.ambiguous(&row).await.unwrap_or_else(|| answer(error));
                self.unsent(row, answer);
            }
            _ => self.unsent(row, answer(error)),
        }
    }

    /// Reads the schema and maps the columns again, then tries once more.
    async fn map_again(&mut self, rows: Vec<Row>) {
        self.read_again = true;
        match self.sink.table_after(&self.table, self.now).await {
            Ok(table) => {
                self.table = table;
                self.groups.push(rows);
            }
            Err(error) => self.end_all(rows, &error),
        }
    }

    fn end_all(&mut self, rows: Vec<Row>, error: &Error) {
        for row in rows {
            self.unsent(row, answer(error));
        }
    }

    /// The column of ours whose values Airtable does not take, if it was sent; never the key, without which there is no
    /// row. An error: the schema could not be read.
    async fn blamed(&mut self, parcels: &[Parcel], error: &Error) -> Result<Option<String>, Error> {
        let column = match error.class() {
            Class::Row { .. } if is_about_attachments(error) => None,
            Class::Row {
                column: Some(named),
            } => {
                if self.table.column_named(&named).is_none() {
                    // People may have renamed it since.
                    self.table = self.sink.table_after(&self.table, self.now).await?;
                }
                self.table.column_named(&named).map(str::to_owned)
            }
            Class::Choice { choice } => self.lacking(&choice, parcels).await?,
            _ => None,
        };
        let key = &self.sink.schema.key().name;
        if column.as_ref() == Some(key) {
            // A key of another type is no fault of the row: reading the schema tells it as what it is.
            self.table = self.sink.table_after(&self.table, self.now).await?;
        }
        let sent = |column: &String| parcels.iter().any(|(_, news)| news.contains_key(column));
        Ok(column.filter(|column| column != key && sent(column)))
    }

    /// The select column of ours that lacks this choice: Airtable names only the choice.
    async fn lacking(&mut self, choice: &str, parcels: &[Parcel]) -> Result<Option<String>, Error> {
        let holds = |cell: &Value| match cell {
            Value::Array(choices) => choices.iter().any(|one| one == choice),
            cell => cell == choice,
        };
        // What another batch read meanwhile may be older than the change.
        for _ in 0..2 {
            self.table = self.sink.table_after(&self.table, self.now).await?;
            let mut cells = parcels.iter().flat_map(|(_, news)| news);
            let blamed =
                cells.find(|(column, cell)| holds(cell) && self.table.lacks(column, choice));
            if let Some((column, _)) = blamed {
                return Ok(Some(column.clone()));
            }
        }
        Ok(None)
    }

    /// More than one record has the call's id: no third is made, and a person decides which one stays.
    async fn ambiguous(&self, row: &Row) -> Option<Outcome> {
        let due = &self.due[row.slot];
        let (table_id, key) = (&self.table.mapping.table_id, self.key_field()?);
        let found = self.sink.client.find(table_id, key, &due.call.id);
        let records = match found.await {
            Ok(records) if records.len() > 1 => records,
            Ok(_) => return None,
            Err(error) => return Some(answer(&error)),
        };
        let error = format!(
            "{} records have the {} {}: {}. Delete all but one in Airtable; the call is written there by itself.",
            records.len(),
            self.sink.schema.key().name,
            due.call.id,
            records.join(" and "),
        );
        // A minute, two, four … an hour: a probe is two requests.
        let doubled = CONFIGURATION * 2_u32.pow(due.delivery.attempts.clamp(0, 6) as u32);
        Some(Outcome::Park {
            after: doubled.min(QUOTA),
            error,
        })
    }
}

/// Airtable names an attachment cell that it cannot use: that is about one recording, not about the column.
fn is_about_attachments(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.kind.contains("ATTACHMENT"))
}

/// What an error means for everything that was in the request.
pub(super) fn answer(error: &Error) -> Outcome {
    let text = error.to_string();
    match error.class() {
        Class::Retry { after } => Outcome::Retry { after, error: text },
        Class::Locked { after } => Outcome::Retry {
            after: Some(after),
            error: text,
        },
        Class::Quota => Outcome::PauseSink {
            after: QUOTA,
            error: text,
        },
        // A probe asks our own count, so this sends nothing.
        Class::Spent { rest } => Outcome::PauseSink {
            after: rest,
            error: text,
        },
        Class::Configuration => Outcome::PauseSink {
            after: CONFIGURATION,
            error: text,
        },
        Class::UnknownField => Outcome::Retry {
            after: None,
            error: text,
        },
        Class::Row { .. } | Class::Choice { .. } | Class::RowGone | Class::TooLarge => {
            Outcome::Dead { error: text }
        }
    }
}
