//! DELIVERY: a pointer, not a payload. "Sink S owes call C at revision R; it delivered R'."

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{CallUpdate, Error, NEVER, Result, Store, chunks, millis, rows, text, time};
use crate::domain::{DueDelivery, Sink};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryKey {
    pub sink: Sink,
    pub call_id: String,
    /// Egress id where the sink works by recording, else empty.
    pub item: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Due now or after a wait.
    Pending,
    /// Waits for a person; probed now and then.
    Parked,
    /// Will not be tried again unless the call has news or somebody redrives it.
    Dead,
    Done,
}

impl DeliveryState {
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Parked => "parked",
            DeliveryState::Dead => "dead",
            DeliveryState::Done => "done",
        }
    }

    pub(super) fn read(text: &str) -> DeliveryState {
        match text {
            "parked" => DeliveryState::Parked,
            "dead" => DeliveryState::Dead,
            "done" => DeliveryState::Done,
            _ => DeliveryState::Pending,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Delivery {
    pub key: DeliveryKey,
    pub revision: i64,
    pub delivered: i64,
    pub state: DeliveryState,
    pub due_at: Option<Timestamp>,
    pub attempts: i64,
    pub last_error: Option<String>,
    /// What the sink remembers of this call.
    pub sink_state: Value,
    /// The last tries, oldest first.
    pub history: Vec<AttemptRecord>,
    pub created_at: Timestamp,
}

impl Delivery {
    /// Since when it is owed; a URL that is renewed, since that is due.
    pub fn due_since(&self) -> Timestamp {
        let renewal = self.due_at.filter(|_| self.state == DeliveryState::Done);
        renewal.unwrap_or(self.created_at)
    }
}

/// A try that is over, as people read it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredAttempt", into = "StoredAttempt")]
pub struct AttemptRecord {
    pub at: Timestamp,
    /// What it left the delivery in.
    pub state: DeliveryState,
    /// What the other side answered, or why it could not be asked; of a success, what is wrong with it all the same.
    pub error: Option<String>,
    /// When the delivery was to be looked at next.
    pub next_at: Option<Timestamp>,
}

/// A try as it is stored, for there are many: its fields in their order, times in milliseconds.
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

/// How much of a sink's work waits, for `/metrics`.
#[derive(Debug)]
pub struct QueueDepth {
    pub sink: String,
    pub state: String,
    pub count: i64,
    pub oldest_created_at: Timestamp,
}

pub fn sink_name(sink: Sink) -> &'static str {
    match sink {
        Sink::Egress => "egress",
        Sink::Storage => "storage",
        Sink::Airtable => "airtable",
        Sink::Mirror => "mirror",
    }
}

pub(super) fn sink_named(name: &str) -> Option<Sink> {
    let all = [Sink::Egress, Sink::Storage, Sink::Airtable, Sink::Mirror];
    all.into_iter().find(|sink| sink_name(*sink) == name)
}

/// News of a call: the delivery is due. One that waits after a failure keeps waiting, a parked one stays parked.
const NEWS: &str = "DO UPDATE SET revision = excluded.revision,
  due_at = CASE WHEN deliveries.state = 'parked' OR (deliveries.state = 'pending' AND deliveries.attempts > 0)
    THEN deliveries.due_at ELSE excluded.due_at END,
  created_at = CASE WHEN deliveries.state = 'done' THEN excluded.created_at ELSE deliveries.created_at END,
  state = CASE WHEN deliveries.state = 'parked' THEN 'parked' ELSE 'pending' END";
/// The mirror tells a recording's end once.
const ONCE: &str = "DO NOTHING";

/// Makes deliveries due.
pub(super) async fn enqueue(
    connection: &mut AnyConnection,
    folded: &[CallUpdate],
    sinks: &[Sink],
    now: Timestamp,
) -> Result<()> {
    let all = folded
        .iter()
        .flat_map(|fold| {
            fold.due_deliveries
                .iter()
                .map(move |due_deliveries| (fold, due_deliveries))
        })
        .filter(|(_, due_deliveries)| sinks.contains(&due_deliveries.sink));
    let (mirror, others): (Vec<_>, Vec<_>) =
        all.partition(|(_, due_deliveries)| due_deliveries.sink == Sink::Mirror);
    // The mirror's first try leaves the bucket a moment to be asked.
    insert(connection, &mirror, ONCE, now, 1000).await?;
    insert(connection, &others, NEWS, now, 0).await
}

async fn insert(
    connection: &mut AnyConnection,
    due_deliveries: &[(&CallUpdate, &DueDelivery)],
    again: &str,
    now: Timestamp,
    head_start: i64,
) -> Result<()> {
    for chunk in chunks(due_deliveries) {
        let rows = rows(chunk.len(), 1, 6, ", 0, 'pending', 0, '{}', '[]'");
        let sql = format!(
            "INSERT INTO deliveries (sink, call_id, part, revision, due_at, created_at, delivered, state, attempts, memo, history)
             VALUES {rows} ON CONFLICT (sink, call_id, part) {again}"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (fold, due_deliveries) in chunk {
            query = query
                .bind(sink_name(due_deliveries.sink))
                .bind(fold.call.id.as_str())
                .bind(due_deliveries.item.as_str())
                .bind(fold.read_revision + 1)
                .bind(now.as_millisecond() + head_start)
                .bind(now.as_millisecond());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// Deliveries of a sink that are due, the longest due first. Of one call's recordings the mirror gets the first
    /// that is not delivered.
    pub async fn due(&self, sink: Sink, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
        self.select(
            "SELECT * FROM deliveries d WHERE sink = $1 AND due_at <= $2
             AND NOT (sink = 'mirror' AND EXISTS (SELECT 1 FROM deliveries e WHERE e.sink = 'mirror' AND e.call_id = d.call_id
               AND e.state = 'pending' AND (e.created_at < d.created_at OR (e.created_at = d.created_at AND e.item < d.part))))
             ORDER BY due_at LIMIT $3",
            sink,
            now,
            limit,
        )
        .await
    }

    /// Deliveries of calls that have ended, with their recording's fate known: what a short month is spent on.
    pub async fn due_final(&self, sink: Sink, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
        self.select(
            "SELECT d.* FROM deliveries d JOIN calls c ON c.id = d.call_id
             WHERE d.sink = $1 AND d.due_at <= $2 AND c.status NOT IN ('live', 'processing') ORDER BY d.due_at LIMIT $3",
            sink,
            now,
            limit,
        )
        .await
    }

    /// Deliveries of a sink that are due by `now`, at most `limit`.
    async fn select(
        &self,
        sql: &'static str,
        sink: Sink,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Delivery>> {
        let query = sqlx::query(sql).bind(sink_name(sink));
        let query = query.bind(now.as_millisecond()).bind(limit);
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(|row| read(row, sink)).collect()
    }

    /// One delivery to try a closed sink with: parked ones need not wait for their time.
    pub async fn probe(&self, sink: Sink, now: Timestamp) -> Result<Option<Delivery>> {
        let row = sqlx::query(
            "SELECT * FROM deliveries WHERE sink = $1 AND (due_at <= $2 OR state = 'parked') ORDER BY due_at LIMIT 1",
        )
        .bind(sink_name(sink))
        .bind(now.as_millisecond())
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(|row| read(row, sink)).transpose()
    }

    /// As people are told of them: what waits because its sink is closed says why.
    pub async fn deliveries_of(&self, call_id: &str) -> Result<Vec<Delivery>> {
        let query = sqlx::query(
            "SELECT d.*, c.error AS closed FROM deliveries d LEFT JOIN closures c ON c.sink = d.sink
             WHERE d.call_id = $1 ORDER BY d.sink, d.created_at",
        );
        let rows = query.bind(text(call_id)).fetch_all(&self.read).await?;
        let mut deliveries = Vec::new();
        for row in &rows {
            let Some(sink) = sink_named(row.try_get("sink")?) else {
                continue;
            };
            let mut delivery = read(row, sink)?;
            if delivery.state == DeliveryState::Pending && delivery.last_error.is_none() {
                delivery.last_error = row.try_get("closed")?;
            }
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    /// Remembers something about a delivery before the outside world is touched, so that it holds across a kill.
    /// Guarded by the sink state that was read: of two processes that come at once one gets a conflict.
    pub async fn remember(
        &self,
        key: &DeliveryKey,
        before: &Value,
        sink_state: &Value,
    ) -> Result<()> {
        let done = sqlx::query(
            "UPDATE deliveries SET memo = $1 WHERE sink = $2 AND call_id = $3 AND part = $4 AND memo = $5",
        )
        .bind(sink_state.to_string())
        .bind(sink_name(key.sink))
        .bind(key.call_id.as_str())
        .bind(key.item.as_str())
        .bind(before.to_string())
        .execute(&self.write)
        .await?;
        match done.rows_affected() {
            0 => Err(Error::Conflict),
            _ => Ok(()),
        }
    }

    pub async fn depths(&self) -> Result<Vec<QueueDepth>> {
        let rows = sqlx::query(
            "SELECT sink, state, COUNT(*) AS n, MIN(created_at) AS oldest FROM deliveries WHERE state <> 'done' GROUP BY sink, state",
        )
        .fetch_all(&self.read)
        .await?;
        let depth = |row: &AnyRow| {
            Ok(QueueDepth {
                sink: row.try_get("sink")?,
                state: row.try_get("state")?,
                count: row.try_get("n")?,
                oldest_created_at: time(row.try_get("oldest")?),
            })
        };
        rows.iter().map(depth).collect()
    }
}

fn read(row: &AnyRow, sink: Sink) -> Result<Delivery> {
    let (state, sink_state): (String, String) = (row.try_get("state")?, row.try_get("memo")?);
    let history: String = row.try_get("history")?;
    let due_at: i64 = row.try_get("due_at")?;
    Ok(Delivery {
        key: DeliveryKey {
            sink,
            call_id: row.try_get("call_id")?,
            item: row.try_get("part")?,
        },
        revision: row.try_get("revision")?,
        delivered: row.try_get("delivered")?,
        state: DeliveryState::read(&state),
        due_at: (due_at != NEVER).then(|| time(due_at)),
        attempts: row.try_get("attempts")?,
        last_error: row.try_get("last_error")?,
        sink_state: serde_json::from_str(&sink_state)?,
        history: serde_json::from_str(&history)?,
        created_at: time(row.try_get("created_at")?),
    })
}
