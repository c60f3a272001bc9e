//! New rows that are refused while rows that are there can be updated: the base is full, or the token's user may not
//! create rows. Airtable's errors do not tell that apart from a lost permission, so an update decides.

use serde_json::{Map, Value};

use super::{batch::WriteBatch, outcome, row::Row, state::SinkState};
use crate::{
    airtable::{Class, Error, Refusal},
    domain::Sink,
    pipeline::deliver::Outcome,
};

/// Rows that are refused one by one before all are taken to be refused.
const MAX_REFUSED_ALONE: usize = 2;
const UNNAMED: &str = "new rows are refused, although rows that are there are updated; in Airtable, check \"Edit table permissions\" in \
     the menu beside the table's name, \"Edit field permissions\" in the columns' menus, and whether the base is full";
/// Known rows that are tried, because somebody may have deleted some.
const KNOWN_ROWS: i64 = 3;

/// Whether rows that are there can be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Updates {
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

impl WriteBatch<'_> {
    /// Handles a refusal that may concern new rows alone. Returns the rows that it does not explain.
    pub(super) async fn creates_refused(&mut self, rows: Vec<Row>, error: &Error) -> Vec<Row> {
        let (known, new): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| row.state.record_id.is_some());
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

    /// The key column is locked: without it no row can be created, and a known row is written without it.
    pub(super) async fn key_refused(&mut self, rows: Vec<Row>, error: &Error) {
        let key = self.sink.schema.key().name.clone();
        let (known, new): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| row.state.record_id.is_some());
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

    /// Rows that were refused alone: if others were created, it is about them; if nothing can be written, about all.
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
            self.finish_unsent(row, outcome.clone());
        }
    }

    /// Whether a new row that is refused without a reason would be refused whatever it says: Airtable updates rows, and
    /// refuses one with nothing but its key.
    pub(super) async fn creates_no_row(&self, row: &Row, error: &Error) -> bool {
        let is_unexplained = error.class() == Class::Row { column: None };
        if !is_unexplained || self.created > 0 || self.updates().await != Updates::Work {
            return false;
        }
        let (table_id, Some(key)) = (&self.table.mapping.table_id, self.key_field()) else {
            return false;
        };
        let id = self.due[row.index].call.id.to_string();
        let alone = Map::from_iter([(key.to_owned(), Value::String(id))]);
        match self.sink.client.upsert(table_id, key, &[alone]).await {
            Ok(written) => {
                let made = written.into_iter().filter(|row| row.created);
                let made: Vec<String> = made.map(|row| row.record_id).collect();
                // If this fails, the row is there with its key, and is found by it.
                self.sink.client.delete(table_id, &made).await.ok();
                false
            }
            Err(error) => matches!(error.class(), Class::Row { .. } | Class::Quota),
        }
    }

    /// Parks a new row that [`WriteBatch::creates_no_row`] is about, and those after it.
    pub(super) async fn park_unexplained(&mut self, row: Row, error: &Error) {
        self.park_new(vec![row], reason(error)).await;
    }

    /// Takes the new rows out of a group if this batch knows that Airtable creates none.
    pub(super) fn without_refused(&mut self, group: Vec<Row>) -> Vec<Row> {
        let Some(outcome) = self.refuses_new.clone() else {
            return group;
        };
        let (known, new): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|row| row.state.record_id.is_some());
        for row in new {
            self.finish_unsent(row, outcome.clone());
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
            self.finish_unsent(row, outcome.clone());
        }
    }

    /// Asks Airtable by writing the key of a known row, which is there already.
    async fn updates(&self) -> Updates {
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
                Err(error) if error.class() == Class::RowGone => {}
                Err(_) => return Updates::Refused,
            }
        }
        Updates::Unknown
    }
}
