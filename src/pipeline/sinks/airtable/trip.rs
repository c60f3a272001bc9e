//! A batch of calls on its way to their rows: as few requests as may be, and what is refused is split until only what
//! is wrong is left.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    Airtable,
    row::{Row, attempt},
    table::Table,
};
use crate::{
    airtable::Error,
    pipeline::deliver::{Attempt, BatchPermit, Due, Outcome},
};

/// Bytes of rows in a request; Airtable takes a megabyte.
const REQUEST: usize = 900_000;

pub(super) struct Trip<'a> {
    pub sink: &'a Airtable,
    pub due: &'a [Due],
    pub now: Timestamp,
    pub table: Arc<Table>,
    /// The table has been read again because of an unknown field: once is enough.
    pub read_again: bool,
    /// The table has been read again because a column refused a value.
    pub looked_again: bool,
    /// Columns and how many rows' values they refused, since they took one.
    pub strikes: BTreeMap<String, usize>,
    /// Rows that are still to be sent, each group in a request.
    pub groups: Vec<Vec<Row>>,
    attempts: Vec<Option<Attempt>>,
}

/// A row and the cells of it that are sent.
pub(super) type Parcel = (Row, Map<String, Value>);

impl<'a> Trip<'a> {
    pub fn new(sink: &'a Airtable, due: &'a [Due], now: Timestamp, table: Arc<Table>) -> Self {
        Trip {
            sink,
            due,
            now,
            table,
            read_again: false,
            looked_again: false,
            strikes: BTreeMap::new(),
            groups: Vec::new(),
            attempts: due.iter().map(|_| None).collect(),
        }
    }

    /// One attempt for each due, in their order. `line`: the next batch may be chosen when this one asks for its turn.
    pub async fn run(mut self, permit: BatchPermit) -> Vec<Attempt> {
        let (mut known, mut fresh) = (Vec::new(), Vec::new());
        for (slot, due) in self.due.iter().enumerate() {
            match self.sink.row(slot, due, &self.table, self.now).await {
                Ok(Some(row)) if row.sink_state.record.is_some() => known.push(row),
                Ok(Some(row)) => fresh.push(row),
                Ok(None) => self.end(slot, Outcome::Delivered { again: None }),
                Err(error) => self.end(slot, Outcome::Retry { after: None, error }),
            }
        }
        drop(permit);
        let copies = self
            .sink
            .look_at_copies(&mut known, self.due, &self.table, self.now);
        copies.await;
        // What Airtable makes of a recording is read from the answer to an update.
        let (copying, known): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|row| row.sending.is_some());
        fresh.extend(known);
        self.groups = vec![fresh, copying];
        while let Some(group) = self.groups.pop() {
            self.write(group).await;
        }
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

    /// Writes what is news of a group of rows.
    async fn write(&mut self, group: Vec<Row>) {
        let mut parcels: Vec<Parcel> = Vec::new();
        for row in group {
            let news = row.news(&self.sink.schema, &self.table);
            if news.is_empty() {
                self.delivered(row);
            } else {
                parcels.push((row, news));
            }
        }
        let rest = parcels.split_off(fitting(&parcels));
        if !rest.is_empty() {
            self.groups
                .push(rest.into_iter().map(|(row, _)| row).collect());
        }
        if parcels.is_empty() {
            return;
        }
        match self.send(&parcels).await {
            Ok(records) => {
                for ((mut row, news), (record, cells)) in parcels.into_iter().zip(records) {
                    self.strikes.retain(|column, _| !news.contains_key(column));
                    row.written(&record, news, &self.table);
                    row.copy_sent(&cells, &self.table, self.now);
                    self.delivered(row);
                }
            }
            Err(error) => self.refused(parcels, &error).await,
        }
    }

    /// The rows' records, in the order of the rows, with what their cells are now when all of them are known.
    async fn send(&self, parcels: &[Parcel]) -> Result<Vec<(String, Map<String, Value>)>, Error> {
        let (client, table_id) = (&self.sink.client, &self.table.mapping.table_id);
        let by_id = |news: &Map<String, Value>| -> Map<String, Value> {
            let id = |name: &str| self.table.field_id(name).map(str::to_owned);
            let cells = news.iter();
            cells
                .filter_map(|(name, cell)| Some((id(name)?, cell.clone())))
                .collect()
        };
        let rows = parcels.iter();
        let rows = rows.map(|(row, news)| (row.sink_state.record.clone(), by_id(news)));
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

    pub fn key_field(&self) -> Option<&str> {
        self.table.field_id(&self.sink.schema.key().name)
    }

    fn delivered(&mut self, mut row: Row) {
        let call = &self.due[row.slot].call;
        // A row that is new gets its recording with the next request.
        if row.sink_state.copied.is_none() && self.sink.owes_copy(&row, call, &self.table) {
            row.look_again(self.now);
        }
        let slot = row.slot;
        self.attempts[slot] = Some(row.delivered(&self.sink.schema, &self.table));
    }

    /// Nothing of this call was written.
    pub fn unsent(&mut self, row: Row, outcome: Outcome) {
        let slot = row.slot;
        self.attempts[slot] = Some(row.unsent(&self.due[slot], outcome));
    }

    /// What is remembered of a row that somebody deleted.
    pub fn gone(&mut self, slot: usize, sink_state: &super::row::Memo) {
        let outcome = Outcome::Delivered { again: None };
        self.attempts[slot] = Some(attempt(outcome, sink_state));
    }

    pub fn end(&mut self, slot: usize, outcome: Outcome) {
        let sink_state = &self.due[slot].delivery.sink_state;
        self.attempts[slot] = Some(Attempt::new(outcome, sink_state));
    }
}

/// How many of the rows go into one request; one always does.
fn fitting(parcels: &[Parcel]) -> usize {
    let mut bytes = 0;
    let fits = |(_, news): &&Parcel| {
        bytes += serde_json::to_string(news).map_or(0, |text| text.len()) + 100;
        bytes <= REQUEST
    };
    let fitting = parcels.iter().take_while(fits).count();
    fitting.max(1).min(parcels.len())
}
