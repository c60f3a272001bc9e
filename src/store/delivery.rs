//! A delivery: its types, and how its row is read.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{Row, any::AnyRow};

use super::{
    error::Result,
    sql::{NEVER, millis, time},
    unknown::UnknownValue,
};
use crate::domain::{Sink, UnknownName, by_name};

/// The columns that [`read`] takes, of the table or alias `d`.
pub(super) const COLUMNS: &str = "d.sink, d.call_id, d.part, d.revision, d.delivered, d.state, d.due_at, d.attempts, d.last_error, d.memo, d.history, d.created_at";

/// Which delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryKey {
    /// To whom.
    pub sink: Sink,
    /// Of which call.
    pub call_id: String,
    /// The egress ID if the sink works per recording, otherwise empty.
    pub item: String,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Due now or later.
    Pending,
    /// Needs manual action; probed from time to time.
    Parked,
    /// Failed permanently: not tried again unless the call changes or somebody redrives it.
    Dead,
    /// Delivered; a later `due_at` is when a link in it is renewed.
    Done,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 4] = [
        DeliveryState::Pending,
        DeliveryState::Parked,
        DeliveryState::Dead,
        DeliveryState::Done,
    ];

    /// The states of what is not delivered, in the order of `--delivery`.
    pub const OUTSTANDING: [DeliveryState; 3] = [
        DeliveryState::Pending,
        DeliveryState::Parked,
        DeliveryState::Dead,
    ];

    /// The name in the column `state`, in the API and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Parked => "parked",
            DeliveryState::Dead => "dead",
            DeliveryState::Done => "done",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownName;

    fn from_str(name: &str) -> std::result::Result<DeliveryState, UnknownName> {
        by_name(&DeliveryState::ALL, DeliveryState::as_str, name)
    }
}

/// "Sink S owes call C at revision R; it delivered R'."
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Which one.
    pub key: DeliveryKey,
    /// The call's revision that is to be delivered.
    pub revision: i64,
    /// The newest revision that was delivered; 0: none.
    pub delivered: i64,
    /// Its state.
    pub state: DeliveryState,
    /// When it is tried next; `None`: never by itself.
    pub due_at: Option<Timestamp>,
    /// Failures in a row.
    pub attempts: i64,
    /// Why the last try failed, for people.
    pub last_error: Option<String>,
    /// The sink's state of this call, as JSON of its own.
    pub sink_state: Value,
    /// The last attempts, oldest first.
    pub history: Vec<AttemptRecord>,
    /// Since when it is to be delivered.
    pub created_at: Timestamp,
}

impl Delivery {
    /// Since when it is due: a link that is renewed, since its time has come.
    pub fn due_since(&self) -> Timestamp {
        let renewal = self.due_at.filter(|_| self.state == DeliveryState::Done);
        renewal.unwrap_or(self.created_at)
    }
}

/// A finished attempt, for the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredAttempt", into = "StoredAttempt")]
pub struct AttemptRecord {
    /// When it ended.
    pub at: Timestamp,
    /// The state in which it left the delivery.
    pub state: DeliveryState,
    /// The other side's answer, or why it could not be asked; after a success, a warning.
    pub error: Option<String>,
    /// When the next try was due.
    pub next_at: Option<Timestamp>,
}

/// The stored form of an attempt, kept short because there are many: its fields in order, times in milliseconds.
type StoredAttempt = (i64, DeliveryState, Option<String>, Option<i64>);

impl From<StoredAttempt> for AttemptRecord {
    fn from((at, state, error, next_at): StoredAttempt) -> AttemptRecord {
        AttemptRecord {
            at: time(at),
            state,
            error,
            next_at: next_at.map(time),
        }
    }
}

impl From<AttemptRecord> for StoredAttempt {
    fn from(it: AttemptRecord) -> StoredAttempt {
        let at = it.at.as_millisecond();
        (at, it.state, it.error, millis(it.next_at))
    }
}

/// Reads the columns `sink`, `call_id` and `part`.
pub(super) fn read_key(row: &AnyRow) -> Result<DeliveryKey> {
    let (sink, call_id): (&str, String) = (row.try_get("sink")?, row.try_get("call_id")?);
    let known = sink.parse();
    let sink = known
        .map_err(|_| UnknownValue::name(format!("a delivery of call {call_id}"), "sink", sink))?;
    Ok(DeliveryKey {
        sink,
        call_id,
        item: row.try_get("part")?,
    })
}

/// Reads the column `state`.
pub(super) fn read_state(key: &DeliveryKey, row: &AnyRow) -> Result<DeliveryState> {
    let state: &str = row.try_get("state")?;
    let known = state.parse();
    Ok(known.map_err(|_| UnknownValue::name(row_name(key), "state", state))?)
}

/// Reads a row that has [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<Delivery> {
    let key = read_key(row)?;
    let due_at: i64 = row.try_get("due_at")?;
    Ok(Delivery {
        revision: row.try_get("revision")?,
        delivered: row.try_get("delivered")?,
        state: read_state(&key, row)?,
        due_at: (due_at != NEVER).then(|| time(due_at)),
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        sink_state: read_json(&key, row, "memo")?,
        history: read_json(&key, row, "history")?,
        created_at: time(row.try_get("created_at")?),
        key,
    })
}

fn read_json<T: DeserializeOwned>(
    key: &DeliveryKey,
    row: &AnyRow,
    column: &'static str,
) -> Result<T> {
    let value = serde_json::from_str(row.try_get(column)?);
    Ok(value.map_err(|error| UnknownValue::json(row_name(key), column, &error))?)
}

/// The row in words.
fn row_name(key: &DeliveryKey) -> String {
    let (sink, call_id) = (key.sink.as_str(), &key.call_id);
    match key.item.as_str() {
        "" => format!("delivery {sink} of call {call_id}"),
        item => format!("delivery {sink} {item} of call {call_id}"),
    }
}
