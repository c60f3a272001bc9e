//! New rows that are refused while existing rows can be updated: the base is full, or the token's user may not create rows.
//! Airtable's errors look the same when the token has lost its permission, so an update decides.

use serde_json::{Map, Value};

use super::{
    batch::WriteBatch,
    outcome,
    row::{Row, Unexplained},
    state::SinkState,
};
use crate::{
    airtable::{Class, Error, Refusal},
    domain::Sink,
    pipeline::deliver::Outcome,
};

/// After this many refusals of single rows, all new rows count as refused.
const MAX_REFUSED_ALONE: usize = 2;
const UNNAMED: &str = "new rows are refused, although existing rows are updated; in Airtable, check \"Edit table permissions\" in \
     the menu beside the table's name, \"Edit field permissions\" in the columns' menus, and whether the base is full";
/// How many known rows are tried, because somebody may have deleted some.
const KNOWN_ROWS: i64 = 3;

/// Whether existing rows can be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Updates {
    Work,
    Refused,
    /// There is no row to try it with.
    Unknown,
}

/// Why no row is created, for people.
fn reason(error: &Error) -> String {
    let refusal = error.refusal();
    let is_named = |refusal: &&Refusal| refusal.permission.is_some() || refusal.is_record_limit();
    match refusal.filter(|refusal| !is_named(refusal)) {
        Some(refusal) => format!("{UNNAMED}: Airtable says {}", refusal.answer()),
        None => error.to_string(),
    }
}

/// Rows that Airtable has, and rows that it does not have yet.
fn known_and_new(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    rows.into_iter()
        .partition(|row| row.state.record_id.is_some())
}

impl WriteBatch<'_> {
    /// Handles a refusal that may concern only new rows. Returns the rows with another cause.
    pub(super) async fn creates_refused(&mut self, rows: Vec<Row>, error: &Error) -> Vec<Row> {
        let (known, new) = known_and_new(rows);
        if new.is_empty() {
            return known;
        }
        if !known.is_empty() {
            // The last group is sent first.
            self.groups.extend([new, known]);
            return Vec::new();
        }
        if error.is_record_limit() && self.refused_new.len() + 1 < MAX_REFUSED_ALONE {
            // There may be room for some of them.
            match new.len() {
                1 => self.refused_new.extend(new),
                _ => self.split(new, error),
            }
            self.new_row_error = Some(reason(error));
            return Vec::new();
        }
        match self.updates().await {
            Updates::Work => {}
            Updates::Unknown if error.is_record_limit() => {}
            _ => return new,
        }
        self.park_new(new, reason(error)).await;
        Vec::new()
    }

    /// Handles a locked key column: no row can be created without it, and known rows are written without it.
    pub(super) async fn key_refused(&mut self, rows: Vec<Row>, error: &Error) {
        let key = self.sink.schema.key().name.clone();
        let (known, new) = known_and_new(rows);
        let mut written = Vec::new();
        for mut row in known {
            let sent = row.changed_cells(&self.sink.schema, &self.table);
            row.refuse(&key, &self.table);
            match sent.contains_key(&key) {
                true => written.push(row),
                false => self.finish_unsent(row, outcome::of(error)),
            }
        }
        if !written.is_empty() {
            self.groups.push(written);
        }
        if !new.is_empty() {
            self.park_new(new, reason(error)).await;
        }
    }

    /// Ends rows that were refused alone. If others were created, only these are parked; if nothing can be written, the sink is
    /// paused.
    pub(super) async fn end_refused_new(&mut self) {
        let rows = std::mem::take(&mut self.refused_new);
        let error = self.new_row_error.take().unwrap_or_default();
        if rows.is_empty() {
            return;
        }
        let after = outcome::QUOTA;
        let outcome = match self.created {
            0 if self.updates().await == Updates::Refused => Outcome::PauseSink { after, error },
            0 => return self.park_new(rows, error).await,
            _ => Outcome::Park { after, error },
        };
        for row in rows {
            match outcome {
                Outcome::Park { .. } => self.finish_uncreated(row, outcome.clone()),
                _ => self.finish_unsent(row, outcome.clone()),
            }
        }
    }

    /// Ends a new row that was refused alone. If no reason is known, it waits for the next new row of the batch: if that
    /// is created, this row is at fault.
    pub(super) async fn new_row_refused(&mut self, row: Row, error: &Error) {
        let at_fault = outcome::of(error);
        if error.class() != (Class::Row { column: None }) {
            return self.finish_unsent(row, at_fault);
        }
        let unexplained = Unexplained {
            row,
            at_fault,
            reason: reason(error),
        };
        let is_new = |row: &Row| row.state.record_id.is_none();
        let is_decided_by_others = self.groups.iter().flatten().any(is_new);
        match is_decided_by_others && self.unexplained.is_none() {
            true => self.unexplained = Some(unexplained),
            false => self.end_unexplained(unexplained).await,
        }
    }

    /// Ends the row that waited for the other new rows.
    pub(super) async fn end_waiting_unexplained(&mut self) {
        let Some(unexplained) = self.unexplained.take() else {
            return;
        };
        match self.refuses_new.clone() {
            Some(outcome) => self.finish_uncreated(unexplained.row, outcome),
            None => self.end_unexplained(unexplained).await,
        }
    }

    async fn end_unexplained(&mut self, unexplained: Unexplained) {
        let Unexplained {
            row,
            at_fault,
            reason,
        } = unexplained;
        match self.creates_no_row(&row).await {
            true => self.park_new(vec![row], reason).await,
            false => self.finish_unsent(row, at_fault),
        }
    }

    /// Removes the new rows from a group if this batch knows that Airtable creates none.
    pub(super) fn without_refused(&mut self, group: Vec<Row>) -> Vec<Row> {
        let Some(outcome) = self.refuses_new.clone() else {
            return group;
        };
        let (known, new) = known_and_new(group);
        for row in new {
            self.finish_uncreated(row, outcome.clone());
        }
        known
    }

    async fn park_new(&mut self, rows: Vec<Row>, error: String) {
        let outcome = self
            .sink
            .creates
            .close(&self.sink.store, error, self.now)
            .await;
        self.refuses_new = Some(outcome.clone());
        let held = std::mem::take(&mut self.refused_new);
        for row in rows.into_iter().chain(held) {
            self.finish_uncreated(row, outcome.clone());
        }
    }

    /// Checks by writing the key of a known row, which changes nothing.
    pub(super) async fn updates(&self) -> Updates {
        if self.updated > 0 || self.sink.creates.is_closed() {
            return Updates::Work;
        }
        let (table_id, Some(key)) = (&self.table.mapping.table_id, self.key_field()) else {
            return Updates::Unknown;
        };
        let known = self
            .sink
            .store
            .sink_states(Sink::Airtable, KNOWN_ROWS)
            .await;
        for (call_id, state) in known.unwrap_or_default() {
            let Some(record) = SinkState::in_table(&state, table_id).record_id else {
                continue;
            };
            let cells = Map::from_iter([(key.to_owned(), Value::String(call_id))]);
            match self.sink.client.update(table_id, &[(record, cells)]).await {
                Ok(_) => return Updates::Work,
                Err(error) if error.class() == Class::RowGone || error.is_of_an_intermediary() => {}
                Err(_) => return Updates::Refused,
            }
        }
        Updates::Unknown
    }
}
