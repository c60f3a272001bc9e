//! What the row of a call should say, and what of it is news to Airtable.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Airtable,
    attachment::{Copied, Sending},
    table::{LOOK_AGAIN, Table},
};
use crate::{
    airtable::{
        Schema,
        row::{Links, Projection, project},
    },
    domain::Call,
    pipeline::deliver::{Attempt, Due, Outcome},
};

/// How soon what a row could not be given is tried again.
pub(super) const SOON: SignedDuration = SignedDuration::from_secs(60);
/// The columns that hold links.
const LINKS: [&str; 3] = ["recording_url", "recording_url_expires", "transcript_url"];

/// Why a remark comes where few people look, and what to do about an unfit value.
const HERE: &str = "Mend what is sent, or the column. The table has no column filled from `error`, where the row would say this itself.";

/// What the sink remembers of a call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memo {
    /// `tbl…`: the rest means nothing in another table.
    pub table: String,
    /// `rec…`
    pub record: Option<String>,
    /// Each cell that was sent, by column name: its field id and a hash of it.
    pub sent: BTreeMap<String, (String, u64)>,
    /// Each value that Airtable refused, like those sent.
    pub refused: BTreeMap<String, (String, u64)>,
    /// The presigned URL in the row: what it is for, and when it dies (milliseconds since the epoch).
    pub signed: Option<(String, i64)>,
    /// The hash of the full transcript in the bucket, and its key.
    pub text: Option<(u64, String)>,
    /// The copy of the recording in the row.
    pub copied: Option<Copied>,
    /// A hash of what was last told elsewhere for want of a column for errors.
    pub told: Option<u64>,
}

impl Memo {
    fn of(due: &Due, table: &Table) -> Memo {
        let sink_state: Memo =
            serde_json::from_value(due.delivery.sink_state.clone()).unwrap_or_default();
        if sink_state.table == table.mapping.table_id {
            return sink_state;
        }
        Memo {
            text: sink_state.text,
            ..Memo::new(table)
        }
    }

    fn new(table: &Table) -> Memo {
        Memo {
            table: table.mapping.table_id.clone(),
            ..Memo::default()
        }
    }

    /// Whether Airtable refused this value for this field.
    fn has_refused(&self, name: &str, id: &str, cell: &Value) -> bool {
        let refused = self.refused.get(name);
        refused.is_some_and(|(field, refused)| field == id && *refused == hash(cell))
    }

    /// Somebody deleted the row.
    fn is_gone(&self) -> bool {
        self.record.is_none() && !self.sent.is_empty()
    }
}

/// A row on its way.
pub(super) struct Row {
    /// Its place among the dues.
    pub slot: usize,
    pub sink_state: Memo,
    /// Every cell, by column name.
    cells: Map<String, Value>,
    /// Values that their columns cannot hold, a line for each.
    unfit: Vec<String>,
    /// Whether the links in the cells are new; else those in the row live on, and are not sent.
    fresh_links: bool,
    /// Everything is sent, as though nothing had been.
    whole: bool,
    /// More lines of Error.
    pub notes: Vec<String>,
    /// The recording's copy, when it goes with this request.
    pub sending: Option<Sending>,
    /// When to look at the row again without news.
    pub again: Option<Timestamp>,
}

impl Airtable {
    /// The row as it should be now. `None`: somebody deleted it, and the call has no news since.
    pub(super) async fn row(
        &self,
        slot: usize,
        due: &Due,
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<Row>, String> {
        self.row_of(slot, due, Memo::of(due, table), table, now)
            .await
    }

    pub(super) async fn row_of(
        &self,
        slot: usize,
        due: &Due,
        mut sink_state: Memo,
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<Row>, String> {
        let call = &due.call;
        if sink_state.is_gone() {
            let redriven = due.delivery.delivered == 0;
            if !redriven && !self.has_news(call, &sink_state, table) {
                return Ok(None);
            }
            sink_state = Memo {
                text: sink_state.text,
                ..Memo::new(table)
            };
        }
        // Redriven as though it had never been delivered: the row that is there is written whole.
        let whole = due.delivery.delivered == 0 && sink_state.record.is_some();
        if whole {
            sink_state.signed = None;
            sink_state.refused.clear();
        }
        let (links, fresh_links) = self.links(call, &mut sink_state, now).await?;
        let Projection { cells, unfit } = project(call, &self.schema, &links);
        let mut row = Row {
            slot,
            cells,
            unfit,
            fresh_links,
            whole,
            notes: Vec::new(),
            sending: None,
            again: self.renewal(call, &sink_state),
            sink_state,
        };
        if let Some(error) = links.transcript_missing {
            row.notes.push(format!(
                "The whole transcript could not be put into the bucket: {error}. It is tried again."
            ));
            row.look_again(now + SOON);
        }
        if let Some(column) = self.attachment_column() {
            row.notes.extend(
                row.sink_state
                    .copied
                    .as_ref()
                    .and_then(|copied| copied.note(&column.name)),
            );
        }
        if row
            .cells
            .iter()
            .any(|(name, cell)| table.refused.contains_key(name) && !cell.is_null())
        {
            row.look_again(now + LOOK_AGAIN);
        }
        Ok(Some(row))
    }

    /// Whether a row that somebody deleted must come back: fresh links and our own remarks are no news of the call.
    fn has_news(&self, call: &Call, sink_state: &Memo, table: &Table) -> bool {
        let cells = project(call, &self.schema, &Links::default()).cells;
        let ours = self.schema.enabled();
        let mut columns = ours.filter(|column| is_of_a_call(&column.from));
        columns.any(|column| {
            // What a forgotten call does not know any more is no news.
            let cell = cells.get(&column.name);
            let id = table.field_id(&column.name);
            cell.zip(id)
                .is_some_and(|(cell, id)| is_news(sink_state, &column.name, id, cell))
        })
    }
}

impl Row {
    /// The cells that Airtable does not have yet, by column name.
    pub fn news(&self, schema: &Schema, table: &Table) -> Map<String, Value> {
        let mut cells = self.cells.clone();
        self.tell(&mut cells, schema, table);
        cells.retain(|name, cell| match table.field_id(name) {
            Some(id) if self.sink_state.has_refused(name, id, cell) => false,
            Some(_) if self.whole => true,
            Some(id) => is_news(&self.sink_state, name, id, cell),
            None => false,
        });
        if !self.fresh_links {
            let links = schema
                .enabled()
                .filter(|column| LINKS.contains(&column.from.as_str()));
            for column in links {
                cells.remove(&column.name);
            }
        }
        if let Some(sending) = &self.sending
            && table.field_id(&sending.column).is_some()
        {
            cells.insert(sending.column.clone(), sending.cell());
        }
        cells
    }

    /// Columns that users changed cost the row a line in Error, not the row.
    fn tell(&self, cells: &mut Map<String, Value>, schema: &Schema, table: &Table) {
        let Some(error) = schema.error() else {
            return;
        };
        let mut lines: Vec<String> = Vec::new();
        lines.extend(
            cells
                .get(&error.name)
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        lines.extend(self.notes.iter().cloned());
        lines.extend(self.refusal(table));
        lines.extend(changed(table.refused.keys()));
        if !lines.is_empty() {
            cells.insert(error.name.clone(), Value::String(lines.join("\n")));
        }
    }

    /// What [`Row::tell`] would say of this row in a table that has a column for it; else nothing.
    fn untold(&self, schema: &Schema, table: &Table) -> Vec<String> {
        if schema
            .error()
            .is_some_and(|error| table.field_id(&error.name).is_some())
        {
            return Vec::new();
        }
        let said = |name: &&String| self.cells.get(*name).is_some_and(|cell| !cell.is_null());
        let lines = self.unfit.iter().chain(&self.notes).cloned();
        lines
            .chain(self.refusal(table))
            .chain(changed(table.refused.keys().filter(said)))
            .collect()
    }

    /// Of values that Airtable refused.
    fn refusal(&self, table: &Table) -> Option<String> {
        let refused = |name: &&String| {
            let cell = self.cells.get(*name).zip(table.field_id(name));
            cell.is_some_and(|(cell, id)| self.sink_state.has_refused(name, id, cell))
        };
        let names = quoted(self.sink_state.refused.keys().filter(refused))?;
        Some(format!(
            "Airtable does not take what this call has for {names}: what was there before stays."
        ))
    }

    /// From now on this value of the column's is not sent.
    pub fn refuse(&mut self, column: &str, table: &Table) {
        if let Some((cell, id)) = self.cells.get(column).zip(table.field_id(column)) {
            let refused = (id.to_owned(), hash(cell));
            self.sink_state.refused.insert(column.to_owned(), refused);
        }
    }

    /// The row is in Airtable as `news` has it.
    pub fn written(&mut self, record: &str, news: Map<String, Value>, table: &Table) {
        self.sink_state.record = Some(record.to_owned());
        let copied = self.sending.as_ref().map(|sending| sending.column.clone());
        for (name, cell) in news {
            let id = table
                .field_id(&name)
                .filter(|_| Some(&name) != copied.as_ref());
            if let Some(id) = id {
                self.sink_state.refused.remove(&name);
                self.sink_state
                    .sent
                    .insert(name, (id.to_owned(), hash(&cell)));
            }
        }
    }

    pub fn look_again(&mut self, at: Timestamp) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }

    pub fn delivered(mut self, schema: &Schema, table: &Table) -> Attempt {
        let untold = self.untold(schema, table);
        let told = (!untold.is_empty()).then(|| hash(&untold));
        let is_new = told.is_some() && told != self.sink_state.told;
        self.sink_state.told = told;
        let again = self.again;
        let mut attempt = attempt(Outcome::Delivered { again }, &self.sink_state);
        attempt.warning = is_new.then(|| format!("{} {HERE}", untold.join(" ")));
        attempt
    }

    /// The row in Airtable is as it was, so what is remembered of it is too; a transcript in the bucket stays there.
    pub fn unsent(self, due: &Due, outcome: Outcome) -> Attempt {
        let before = serde_json::from_value(due.delivery.sink_state.clone());
        let before: Memo = before.unwrap_or_default();
        let sink_state = Memo {
            text: self.sink_state.text,
            ..before
        };
        attempt(outcome, &sink_state)
    }

    /// Somebody deleted the row: what it said is kept, so that news can be told from none.
    pub fn gone(self) -> Memo {
        Memo {
            record: None,
            signed: None,
            copied: None,
            ..self.sink_state
        }
    }
}

/// Of columns that take no values of ours.
fn changed<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names = quoted(names)?;
    Some(format!(
        "Airtable does not take our values for {names}: the column was changed. `livekit-airtable bootstrap` says how to mend it."
    ))
}

/// A list for a sentence; `None`: it is empty.
fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let names: Vec<String> = names.map(|name| format!("“{name}”")).collect();
    Some(names.join(", ")).filter(|names| !names.is_empty())
}

/// Whether what fills the column is the call's own: links and the recording's copy are renewed, errors are our remarks.
pub(super) fn is_of_a_call(from: &str) -> bool {
    from != "error" && from != "recording_attachment" && !LINKS.contains(&from)
}

/// A cell that was never sent to this field is news unless it is empty, or was refused.
fn is_news(sink_state: &Memo, name: &str, id: &str, cell: &Value) -> bool {
    if sink_state.has_refused(name, id, cell) {
        return false;
    }
    match sink_state.sent.get(name) {
        Some((field, sent)) if field == id => *sent != hash(cell),
        _ => !cell.is_null(),
    }
}

pub(super) fn attempt(outcome: Outcome, sink_state: &Memo) -> Attempt {
    let sink_state = serde_json::to_value(sink_state).unwrap_or_default();
    Attempt::new(outcome, &sink_state)
}

/// SipHash with fixed keys: the same in every process of this version; a new one sends the row once more.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
