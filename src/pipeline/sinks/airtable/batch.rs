//! A batch of calls on its way to their rows: as few requests as possible, and what is refused is split until only what
//! is wrong is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    row::{Row, Unexplained, attempt},
    sink::Airtable,
    state::SinkState,
    table::{COLUMN_RECHECK, Table},
};
use crate::{
    airtable::Error,
    pipeline::deliver::{Attempt, BatchPermit, Due, Outcome},
};

/// Bytes of rows per request; Airtable accepts one megabyte.
const REQUEST: usize = 900_000;

const NOT_FINAL: &str = "nothing is written before the call is final (AIRTABLE_WRITES=final)";

/// One batch, as far as it has come.
pub(super) struct WriteBatch<'a> {
    pub(super) sink: &'a Airtable,
    /// The calls of the batch; a row knows its index in here.
    pub(super) due: &'a [Due],
    /// When the batch was chosen.
    pub(super) now: Timestamp,
    /// The newest reading of the table.
    pub(super) table: Arc<Table>,
    /// What the table was read again for.
    pub(super) reread: Reread,
    /// Columns, and how many values in a row they have rejected.
    pub(super) refusal_counts: BTreeMap<String, usize>,
    /// Rows that are still to be sent, one request per group.
    pub(super) groups: Vec<Vec<Row>>,
    /// The number of rows of this batch that Airtable has updated.
    pub(super) updated: usize,
    /// The number of rows of this batch that Airtable has created, or found by their key.
    pub(super) created: usize,
    /// New rows that were refused when sent alone.
    pub(super) refused_new: Vec<Row>,
    /// The reason of the last such refusal.
    pub(super) new_row_error: Option<String>,
    /// The outcome of new rows once Airtable has refused to create any.
    pub(super) refuses_new: Option<Outcome>,
    /// A row that waits for the other new rows: they decide whether it is at fault.
    pub(super) unexplained: Option<Unexplained>,
    /// Whether Airtable has created a row with only a key for this batch.
    pub(super) has_created_key: bool,
    /// Whether Airtable could be read after a proxy or firewall had refused a write.
    pub(super) can_read: bool,
    /// Rows that a proxy or firewall refused when sent alone, with its answer.
    pub(super) stopped: Vec<(Row, String)>,
    attempts: Vec<Option<Attempt>>,
}

/// Why the batch has read the table again; once for each reason is enough.
#[derive(Debug, Default)]
pub(super) struct Reread {
    for_unknown_field: bool,
    for_refused_value: bool,
}

impl Reread {
    /// Whether a field is unknown for the first time.
    pub(super) fn for_unknown_field(&mut self) -> bool {
        !std::mem::replace(&mut self.for_unknown_field, true)
    }

    /// Whether a column refuses a value for the first time.
    pub(super) fn for_refused_value(&mut self) -> bool {
        !std::mem::replace(&mut self.for_refused_value, true)
    }
}

/// A row and the cells of it that are sent, by column name.
pub(super) struct RowChange {
    pub(super) row: Row,
    /// Never empty.
    pub(super) cells: Map<String, Value>,
}

impl RowChange {
    /// The cells by field id, as Airtable takes them.
    fn by_field_id(&self, table: &Table) -> Map<String, Value> {
        let cells = self.cells.iter();
        let by_id = cells.filter_map(|(name, cell)| {
            let id = table.field_id(name)?;
            Some((id.to_owned(), cell.clone()))
        });
        by_id.collect()
    }
}

impl<'a> WriteBatch<'a> {
    /// Nothing is sent before [`WriteBatch::run`].
    pub(super) fn new(
        sink: &'a Airtable,
        due: &'a [Due],
        now: Timestamp,
        table: Arc<Table>,
    ) -> Self {
        WriteBatch {
            sink,
            due,
            now,
            table,
            reread: Reread::default(),
            refusal_counts: BTreeMap::new(),
            groups: Vec::new(),
            updated: 0,
            created: 0,
            refused_new: Vec::new(),
            new_row_error: None,
            refuses_new: None,
            unexplained: None,
            has_created_key: false,
            can_read: false,
            stopped: Vec::new(),
            attempts: due.iter().map(|_| None).collect(),
        }
    }

    /// One attempt for each due delivery, in their order. While `permit` is held, no other batch is chosen: it is
    /// dropped when this one asks for a request's permit.
    pub(super) async fn run(mut self, permit: BatchPermit) -> Vec<Attempt> {
        let (mut known, mut fresh) = (Vec::new(), Vec::new());
        for (index, due) in self.due.iter().enumerate() {
            if !self.sink.writes.writes(due.call.status()) {
                let reason = NOT_FINAL.into();
                self.end(index, Outcome::Skipped { reason });
                continue;
            }
            match self.sink.row(index, due, &self.table, self.now).await {
                Ok(Some(row)) if row.state.record_id.is_some() => known.push(row),
                Ok(Some(row)) => fresh.push(row),
                Ok(None) => self.end_without_row(index),
                Err(error) => self.end(index, Outcome::Retry { after: None, error }),
            }
        }
        drop(permit);
        let checked = self
            .sink
            .check_attachments(&mut known, self.due, &self.table, self.now);
        checked.await;
        // Airtable's state of a recording is read from the response to an update.
        let (uploading, known): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|row| row.upload.is_some());
        self.refuses_new = self.check_creates(&fresh);
        fresh.extend(known);
        self.groups = vec![fresh, uploading];
        while let Some(group) = self.groups.pop() {
            self.write(group).await;
        }
        self.end_waiting_unexplained().await;
        self.end_refused_new().await;
        self.end_stopped().await;
        self.note_created().await;
        let missing = |due: &Due| {
            let error = "the row was not sent".into();
            Attempt::new(
                Outcome::Retry { after: None, error },
                &due.delivery.sink_state,
            )
        };
        let attempts = self.attempts.into_iter().zip(self.due);
        attempts
            .map(|(attempt, due)| attempt.unwrap_or_else(|| missing(due)))
            .collect()
    }

    /// The outcome of the new rows while Airtable creates none; `None`: they are sent.
    fn check_creates(&self, fresh: &[Row]) -> Option<Outcome> {
        let due: Vec<&Due> = fresh.iter().map(|row| &self.due[row.index]).collect();
        self.sink.creates.check(&due, self.now)
    }

    async fn note_created(&self) {
        let has_created = self.created > 0 || self.has_created_key;
        if !has_created || self.refuses_new.is_some() {
            return;
        }
        if let Err(error) = self.sink.creates.open(&self.sink.store, self.now).await {
            tracing::warn!(%error, "the parked rows could not be made due; the next new row does so");
        }
    }

    /// Writes the changed cells of a group of rows.
    async fn write(&mut self, group: Vec<Row>) {
        let group = self.without_refused(group);
        let mut changes: Vec<RowChange> = Vec::new();
        for row in group {
            let cells = row.changed_cells(&self.sink.schema, &self.table);
            if cells.is_empty() {
                self.delivered(row);
            } else {
                changes.push(RowChange { row, cells });
            }
        }
        let rest = changes.split_off(fitting(&changes));
        if !rest.is_empty() {
            let rows = rest.into_iter().map(|change| change.row);
            self.groups.push(rows.collect());
        }
        if changes.is_empty() {
            return;
        }
        match self.send(&changes).await {
            Ok(records) => {
                self.note_columns(&changes).await;
                for (change, (record, stored)) in changes.into_iter().zip(records) {
                    let RowChange { mut row, cells } = change;
                    match row.state.record_id {
                        Some(_) => self.updated += 1,
                        None => self.created += 1,
                    }
                    self.refusal_counts
                        .retain(|column, _| !cells.contains_key(column));
                    row.written(&record, cells, &self.table);
                    row.attachment_sent(&stored, &self.table, self.now);
                    self.delivered(row);
                }
            }
            Err(error) => self.refused(changes, &error).await,
        }
    }

    /// Notes which of the columns that are tried again accept values.
    async fn note_columns(&mut self, changes: &[RowChange]) {
        let has_value = |name: &&String| {
            let mut cells = changes.iter().filter_map(|change| change.cells.get(*name));
            cells.any(|cell| !cell.is_null())
        };
        let accepted: BTreeSet<String> = self
            .table
            .retried
            .iter()
            .filter(has_value)
            .cloned()
            .collect();
        if !accepted.is_empty() {
            let enabled = self.sink.enable_columns(&accepted, &self.table, self.now);
            self.table = enabled.await;
        }
    }

    /// The records of the rows, in the same order, with their current cells if all records were known.
    async fn send(
        &self,
        changes: &[RowChange],
    ) -> Result<Vec<(String, Map<String, Value>)>, Error> {
        let (client, table_id) = (&self.sink.client, &self.table.mapping.table_id);
        let rows = changes.iter().map(|change| {
            let record = change.row.state.record_id.clone();
            (record, change.by_field_id(&self.table))
        });
        let rows: Vec<_> = rows.collect();
        let known: Option<Vec<_>> = rows
            .iter()
            .map(|(record, cells)| Some((record.clone()?, cells.clone())))
            .collect();
        if let Some(known) = known {
            let mut cells = client.update(table_id, &known).await?;
            let cells = |(record, _): (String, _)| {
                let cells = cells.remove(&record).unwrap_or_default();
                (record, cells)
            };
            return Ok(known.into_iter().map(cells).collect());
        }
        let key = self.key_field().unwrap_or_default();
        let written = client.write(table_id, key, &rows).await?;
        let records = written.into_iter().map(|row| row.record_id);
        Ok(records.map(|record| (record, Map::new())).collect())
    }

    /// The field id of the key column.
    pub(super) fn key_field(&self) -> Option<&str> {
        self.table.field_id(&self.sink.schema.key().name)
    }

    fn delivered(&mut self, mut row: Row) {
        let call = &self.due[row.index].call;
        // A new row gets its recording with the next request.
        if row.state.attachment.is_none() && self.sink.lacks_attachment(&row, call, &self.table) {
            row.recheck(self.now);
        }
        if row.disabled_columns(&self.table).next().is_some() {
            row.recheck(self.now + COLUMN_RECHECK);
        }
        let index = row.index;
        self.attempts[index] = Some(row.delivered(&self.sink.schema, &self.table));
    }

    /// Nothing of this call was written.
    pub(super) fn finish_unsent(&mut self, row: Row, outcome: Outcome) {
        let index = row.index;
        self.attempts[index] = Some(row.unsent(&self.due[index], outcome));
    }

    /// The row waits until Airtable creates rows.
    pub(super) fn finish_uncreated(&mut self, mut row: Row, outcome: Outcome) {
        row.state.create_refused = true;
        self.finish_unsent(row, outcome);
    }

    /// Somebody deleted the row, and it does not come back.
    pub(super) fn finish_deleted(&mut self, index: usize, state: &SinkState) {
        let attempt = attempt(Outcome::Delivered { again: None }, state);
        self.attempts[index] = Some(attempt.did("somebody deleted the row, which stays deleted"));
    }

    /// Nothing is written: somebody deleted the row and the call has not changed since, or the call is simulated.
    fn end_without_row(&mut self, index: usize) {
        let sink_state = &self.due[index].delivery.sink_state;
        let attempt = Attempt::new(Outcome::Delivered { again: None }, sink_state);
        self.attempts[index] = Some(attempt.did("no row to write"));
    }

    /// An end without a row: what is remembered stays as it is.
    pub(super) fn end(&mut self, index: usize, outcome: Outcome) {
        let sink_state = &self.due[index].delivery.sink_state;
        self.attempts[index] = Some(Attempt::new(outcome, sink_state));
    }
}

/// How many of the rows fit into one request; at least one.
fn fitting(changes: &[RowChange]) -> usize {
    let mut bytes = 0;
    let fits = |change: &&RowChange| {
        bytes += serde_json::to_string(&change.cells).map_or(0, |text| text.len()) + 100;
        bytes <= REQUEST
    };
    let fitting = changes.iter().take_while(fits).count();
    fitting.max(1).min(changes.len())
}
