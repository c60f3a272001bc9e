//! The Airtable sink: one row per call, ten rows a request, changed columns only.

mod addresses;
mod refusal;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{
    airtable::{Class, Client, Error, Mapping, Schema, locate, row::project},
    domain::{Sink, link::LinkRules},
    pipeline::{
        budget::Budget,
        deliver::{Answer, Attempt, Deliverer, Due, Line, Place},
    },
    storage,
    store::Store,
};

/// Airtable takes ten rows a request.
const ROWS: usize = 10;

pub struct Airtable {
    pub client: Client,
    pub schema: Schema,
    pub store: Store,
    pub storage: storage::Client,
    pub links: LinkRules,
    /// RECORDING_PATH's key for the transcript of a call without a recording.
    pub path: String,
    pub table: Mutex<Known>,
    pub budget: Budget,
}

/// What is known of the table, until Airtable says that it has changed.
#[derive(Default)]
pub struct Known {
    mapping: Option<Mapping>,
    /// Columns that Airtable does not take our values for, by name.
    refused: BTreeSet<String>,
}

/// What the sink remembers of a call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    record: Option<String>,
    /// A hash of each cell that was sent, by column name.
    sent: BTreeMap<String, u64>,
    /// The presigned URL in the row: what it is for, and when it dies (milliseconds since the epoch).
    signed: Option<(String, i64)>,
    /// The hash of the full transcript in the bucket, and its key.
    text: Option<(u64, String)>,
}

/// A row on its way.
struct Row {
    /// Its place among the dues.
    place: usize,
    memo: Memo,
    /// Every cell, and those that are news, by column name.
    cells: Map<String, Value>,
    changed: Map<String, Value>,
    again: Option<Timestamp>,
}

impl Deliverer for Airtable {
    fn sink(&self) -> Sink {
        Sink::Airtable
    }

    fn batch(&self) -> usize {
        ROWS
    }

    fn parallel(&self) -> usize {
        5
    }

    async fn ready(&self, now: Timestamp) -> anyhow::Result<Option<Place>> {
        let line = self.client.ready().await;
        let gather = self.budget.gather(now).await?;
        Ok(Some(Place { gather, line }))
    }

    async fn deliver(&self, due: &[Due], line: Line, now: Timestamp) -> Vec<Attempt> {
        let mapping = match self.mapping().await {
            Ok(mapping) => mapping,
            Err(error) => {
                let answer = refusal::answer(&error);
                let attempt = |due: &Due| Attempt::new(answer.clone(), &due.delivery.memo);
                return due.iter().map(attempt).collect();
            }
        };
        let mut attempts: Vec<Option<Attempt>> = due.iter().map(|_| None).collect();
        let mut rows = Vec::new();
        for (place, due) in due.iter().enumerate() {
            match self.row(place, due, &mapping, now).await {
                Ok(row) if row.changed.is_empty() => {
                    let again = row.again;
                    attempts[place] = Some(attempt(Answer::Delivered { again }, &row.memo));
                }
                Ok(row) => rows.push(row),
                Err(error) => {
                    let answer = Answer::Retry { after: None, error };
                    attempts[place] = Some(Attempt::new(answer, &due.delivery.memo));
                }
            }
        }
        // From here on the next batch may be chosen: this one asks for its turn.
        drop(line);
        let mut groups: Vec<Vec<Row>> = vec![rows];
        while let Some(group) = groups.pop() {
            self.write(group, due, &mapping, &mut groups, &mut attempts)
                .await;
        }
        let missing = || Answer::Retry {
            after: None,
            error: "the row was not sent".into(),
        };
        let finished = attempts.into_iter().zip(due);
        finished
            .map(|(done, due)| done.unwrap_or_else(|| Attempt::new(missing(), &due.delivery.memo)))
            .collect()
    }
}

impl Airtable {
    /// The columns' ids: remembered from the last time, read again when Airtable says that they have changed.
    async fn mapping(&self) -> Result<Mapping, Error> {
        let mut table = self.table.lock().await;
        if let Some(mapping) = &table.mapping {
            return Ok(mapping.clone());
        }
        let stored = self
            .store
            .get(&self.client.mapping_key())
            .await
            .ok()
            .flatten();
        let known = stored.and_then(|text| serde_json::from_str(&text).ok());
        let (mapping, problems) = locate(&self.client, &self.schema, known.as_ref()).await?;
        for problem in problems {
            tracing::warn!(%problem, "a column is left out; `livekit-airtable bootstrap` says more");
        }
        if let Ok(text) = serde_json::to_string(&mapping) {
            // Without it the columns are found by name the next time.
            self.store.set(&self.client.mapping_key(), &text).await.ok();
        }
        table.refused.clear();
        table.mapping = Some(mapping.clone());
        Ok(mapping)
    }

    /// The row as it should be now, and what of it is news to Airtable.
    async fn row(
        &self,
        place: usize,
        due: &Due,
        mapping: &Mapping,
        now: Timestamp,
    ) -> Result<Row, String> {
        let mut memo: Memo = serde_json::from_value(due.delivery.memo.clone()).unwrap_or_default();
        let call = &due.call;
        let (links, fresh) = self.links(call, &mut memo, now).await?;
        let mut cells = project(call, &self.schema, &links);
        let refused = self.table.lock().await.refused.clone();
        for column in &refused {
            cells.remove(column);
        }
        self.tell_refused(&mut cells, &refused);
        let mut changed = cells.clone();
        changed.retain(|name, value| match memo.sent.get(name) {
            Some(sent) => *sent != hash(value),
            None => !value.is_null(),
        });
        changed.retain(|name, _| mapping.columns.contains_key(name));
        if !fresh {
            self.drop_links(&mut changed);
        }
        let again = self.renewal(call, &memo);
        Ok(Row {
            place,
            memo,
            cells,
            changed,
            again,
        })
    }

    /// Writes a group of rows; splits it where Airtable refuses it.
    async fn write(
        &self,
        group: Vec<Row>,
        due: &[Due],
        mapping: &Mapping,
        groups: &mut Vec<Vec<Row>>,
        attempts: &mut [Option<Attempt>],
    ) {
        if group.is_empty() {
            return;
        }
        match self.send(&group, mapping).await {
            Ok(records) => {
                for (row, record) in group.into_iter().zip(records) {
                    let place = row.place;
                    attempts[place] = Some(row.delivered(record));
                }
            }
            Err(error) => {
                let class = error.class();
                let splits = matches!(
                    class,
                    Class::Row { .. } | Class::RowGone | Class::TooLarge | Class::UnknownField
                );
                if splits && group.len() > 1 {
                    let mut left = group;
                    let right = left.split_off(left.len() / 2);
                    groups.extend([left, right]);
                    return;
                }
                for row in group {
                    let place = row.place;
                    let done = self
                        .refused(row, &due[place], &error, mapping, groups)
                        .await;
                    attempts[place] = attempts[place].take().or(done);
                }
            }
        }
    }

    /// By record id where it is known, else by key, all in one request.
    async fn send(&self, group: &[Row], mapping: &Mapping) -> Result<Vec<Option<String>>, Error> {
        let row = |row: &Row| (row.memo.record.clone(), by_field_id(&row.changed, mapping));
        let rows: Vec<_> = group.iter().map(row).collect();
        let table = &mapping.table_id;
        let mut by_id = Vec::new();
        for (record, cells) in &rows {
            by_id.extend(record.clone().map(|record| (record, cells.clone())));
        }
        if by_id.len() == rows.len() {
            self.client.update(table, &by_id).await?;
            return Ok(rows.into_iter().map(|(record, _)| record).collect());
        }
        let key = &self.schema.key().name;
        let key_id = mapping.columns.get(key).cloned().unwrap_or_default();
        let written = self.client.write(table, &key_id, &rows).await?;
        Ok(written.into_iter().map(|w| Some(w.record_id)).collect())
    }
}

impl Row {
    fn delivered(mut self, record: Option<String>) -> Attempt {
        self.memo.record = record;
        for (name, value) in &self.changed {
            self.memo.sent.insert(name.clone(), hash(value));
        }
        let again = self.again;
        attempt(Answer::Delivered { again }, &self.memo)
    }

    /// The row in Airtable is as it was, so what is remembered of it is too; a transcript in the bucket stays there.
    fn unsent(self, due: &Due, answer: Answer) -> Attempt {
        let before = due.delivery.memo.clone();
        let before: Memo = serde_json::from_value(before).unwrap_or_default();
        let memo = Memo {
            text: self.memo.text,
            ..before
        };
        attempt(answer, &memo)
    }
}

fn attempt(answer: Answer, memo: &Memo) -> Attempt {
    let memo = serde_json::to_value(memo).unwrap_or_default();
    Attempt::new(answer, &memo)
}

fn by_field_id(cells: &Map<String, Value>, mapping: &Mapping) -> Map<String, Value> {
    let id = |name: &str| mapping.columns.get(name).cloned();
    let cells = cells.iter();
    cells
        .filter_map(|(name, value)| Some((id(name)?, value.clone())))
        .collect()
}

/// SipHash with fixed keys: the same in every process of this version; a new one sends the row once more.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
