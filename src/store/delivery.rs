//! A delivery: its types, and how its row is read.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{Row, any::AnyRow};

use super::{
    attempt::{self, AttemptRecord},
    delivery_state::DeliveryState,
    error::Result,
    sql::{NEVER, time},
    unknown::UnknownValue,
};
use crate::domain::Sink;

/// The columns that [`read`] takes, of the table or alias `d`.
pub(super) const COLUMNS: &str = "d.sink, d.call_id, d.part, d.revision, d.delivered, d.state, d.due_at, d.attempts, d.last_error, d.memo, d.history, d.attempt_details, d.created_at";

/// So many 404s in a row are more than a room that closes while its recording starts: its call is known to be over by then.
const GONE: i64 = 3;

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
    /// Whether its last failure shows that the sink does not work. One that was given up is over: only a change of the call
    /// made it due again. LiveKit's 404 says that the room has closed, unless it keeps saying so of a room that is open, and
    /// an attempt that did something has found LiveKit working: what keeps the recording from starting is the call's.
    pub fn blames_sink(&self) -> bool {
        let Some(last) = self.history.last() else {
            return true;
        };
        let details = last
            .details
            .as_ref()
            .filter(|_| self.key.sink == Sink::Egress);
        let is_gone = details.is_some_and(|it| it.http_status == Some(404)) && self.attempts < GONE;
        let did_something = details.is_some_and(|it| it.action.is_some());
        last.state == DeliveryState::Pending && !is_gone && !did_something
    }

    /// Since when it is due: a link that is renewed, since its time has come.
    pub fn due_since(&self) -> Timestamp {
        let renewal = self.due_at.filter(|_| self.state == DeliveryState::Done);
        renewal.unwrap_or(self.created_at)
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
        history: read_history(&key, row)?,
        created_at: time(row.try_get("created_at")?),
        key,
    })
}

fn read_history(key: &DeliveryKey, row: &AnyRow) -> Result<Vec<AttemptRecord>> {
    let (history, details): (&str, Option<&str>) =
        (row.try_get("history")?, row.try_get("attempt_details")?);
    let attempts = attempt::read(history, details);
    Ok(attempts.map_err(|error| UnknownValue::json(row_name(key), "history", &error))?)
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
