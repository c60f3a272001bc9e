//! DELIVERY: a pointer, not a payload. "Sink S owes call C at revision R; it delivered R'."

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    delivery::{COLUMNS, Delivery, DeliveryKey, read, read_key, read_state},
    delivery_state::DeliveryState,
    delivery_writer::DeliveryWrite,
    error::{Error, Result},
    open::Store,
    sql::{open_statuses, quoted, text, time},
    unknown::UnknownValue,
};
use crate::domain::Sink;

/// The queue of a sink, for `/metrics`.
#[derive(Debug)]
pub struct QueueDepth {
    /// Whose.
    pub sink: Sink,
    /// Deliveries in this state.
    pub state: DeliveryState,
    /// How many there are.
    pub count: i64,
    /// When the oldest was created.
    pub oldest_created_at: Timestamp,
}

/// The deliveries that this version can send. An expression, so that no index is chosen for it: the states are few and the
/// rows many.
fn is_known() -> String {
    let states = quoted(DeliveryState::ALL.into_iter().map(DeliveryState::as_str));
    format!("COALESCE(d.state, '') IN ({states})")
}

/// Deliveries of the sink `$1` that are due at `$2`; for the mirror, only the first undelivered recording of each call.
pub(super) fn in_turn() -> String {
    format!(
        "d.sink = $1 AND d.due_at <= $2 AND {}
         AND NOT (d.sink = 'mirror' AND EXISTS (SELECT 1 FROM deliveries e WHERE e.sink = 'mirror' AND e.call_id = d.call_id
           AND e.state = 'pending' AND (e.created_at < d.created_at OR (e.created_at = d.created_at AND e.part < d.part))))",
        is_known()
    )
}

impl Store {
    /// Due deliveries of a sink, the longest due first. For the mirror, only the first undelivered recording of each
    /// call.
    pub async fn due(&self, sink: Sink, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries d WHERE {} ORDER BY d.due_at LIMIT $3",
            in_turn()
        );
        self.select(sql, sink, now, limit).await
    }

    /// Deliveries of calls whose status is final: what the last requests of a month are spent on.
    pub async fn due_final(&self, sink: Sink, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries d JOIN calls c ON c.id = d.call_id
             WHERE d.sink = $1 AND d.due_at <= $2 AND {} AND c.status NOT IN ({}) ORDER BY d.due_at LIMIT $3",
            is_known(),
            open_statuses()
        );
        self.select(sql, sink, now, limit).await
    }

    /// One delivery to probe a paused sink with: parked ones need not wait for their time.
    pub async fn probe(&self, sink: Sink, now: Timestamp) -> Result<Option<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries d WHERE d.sink = $1 AND (d.due_at <= $2 OR d.state = 'parked') AND {}
             ORDER BY d.due_at LIMIT $3",
            is_known()
        );
        Ok(self.select(sql, sink, now, 1).await?.pop())
    }

    /// Deliveries of a sink that are due by `now`, at most `limit`.
    async fn select(
        &self,
        sql: String,
        sink: Sink,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Delivery>> {
        let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
        let query = query.bind(now.as_millisecond()).bind(limit);
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// The delivery that is due for the longest and in a state that this version does not know. It is never sent.
    pub async fn unknown_due(&self, sink: Sink, now: Timestamp) -> Result<Option<UnknownValue>> {
        let sql = format!(
            "SELECT d.sink, d.call_id, d.part, d.state FROM deliveries d
             WHERE d.sink = $1 AND d.due_at <= $2 AND NOT {} ORDER BY d.due_at LIMIT 1",
            is_known()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
        let row = query.bind(now.as_millisecond());
        let Some(row) = row.fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        match read_state(&read_key(&row)?, &row) {
            Err(Error::Unknown(unknown)) => Ok(Some(unknown)),
            state => state.map(|_| None),
        }
    }

    /// Whether any delivery is not done. An index alone answers it.
    pub async fn has_outstanding(&self) -> Result<bool> {
        let sinks = quoted(Sink::ALL.into_iter().map(Sink::as_str));
        let states = quoted(
            DeliveryState::OUTSTANDING
                .into_iter()
                .map(DeliveryState::as_str),
        );
        let sql = format!(
            "SELECT 1 FROM deliveries WHERE sink IN ({sinks}) AND state IN ({states}) LIMIT 1"
        );
        let found = sqlx::query(AssertSqlSafe(sql)).fetch_optional(&self.read);
        Ok(found.await?.is_some())
    }

    /// How many deliveries of a sink are due before this time, at most 10 000: an index alone answers it.
    pub async fn due_before(&self, sink: Sink, due_at: Timestamp) -> Result<i64> {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries WHERE sink = $1 AND due_at < $2 LIMIT 10000) AS earlier",
        );
        let query = query.bind(sink.as_str()).bind(due_at.as_millisecond());
        Ok(query.fetch_one(&self.read).await?)
    }

    /// The deliveries of a call, as people read them: what waits because its sink is paused says why.
    pub async fn deliveries_of(&self, call_id: &str) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS}, c.error AS paused FROM deliveries d LEFT JOIN closures c ON c.sink = d.sink
             WHERE d.call_id = $1 ORDER BY d.sink, d.created_at"
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let rows = query.bind(text(call_id)).fetch_all(&self.read).await?;
        let mut deliveries = Vec::new();
        for row in &rows {
            let mut delivery = read(row)?;
            if delivery.state == DeliveryState::Pending && delivery.last_error.is_none() {
                delivery.last_error = row.try_get("paused")?;
            }
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    /// At most `limit` calls that were delivered to a sink, with the sink's state of each.
    pub async fn sink_states(&self, sink: Sink, limit: i64) -> Result<Vec<(String, Value)>> {
        let query = sqlx::query(
            "SELECT call_id, memo FROM deliveries WHERE sink = $1 AND delivered > 0 ORDER BY due_at DESC LIMIT $2",
        );
        let rows = query.bind(sink.as_str()).bind(limit).fetch_all(&self.read);
        let state = |row: &AnyRow| {
            let memo: &str = row.try_get("memo")?;
            let memo = serde_json::from_str(memo).unwrap_or_default();
            Ok((row.try_get("call_id")?, memo))
        };
        rows.await?.iter().map(state).collect()
    }

    /// Stores the sink's state of a delivery before an external request, so that it survives a kill. Guarded by the
    /// state that was read, and for a sink without an owner by the claim: of two processes, one gets a conflict.
    pub async fn remember(
        &self,
        key: &DeliveryKey,
        before: &Value,
        sink_state: &Value,
    ) -> Result<()> {
        self.deliveries
            .write(DeliveryWrite::Memo {
                key: key.clone(),
                before: before.to_string(),
                after: sink_state.to_string(),
            })
            .await
    }

    /// How many calls have a row in Airtable that is up to date. An index alone answers it.
    pub async fn written_rows(&self) -> Result<i64> {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM deliveries WHERE sink = $1 AND state = 'done'",
        );
        let query = query.bind(Sink::Airtable.as_str());
        Ok(query.fetch_one(&self.read).await?)
    }

    /// How many deliveries are not done, by sink and state.
    pub async fn depths(&self) -> Result<Vec<QueueDepth>> {
        let rows = sqlx::query(
            "SELECT sink, state, COUNT(*) AS n, MIN(created_at) AS oldest FROM deliveries WHERE state <> 'done' GROUP BY sink, state",
        )
        .fetch_all(&self.read)
        .await?;
        let depth = |row: &AnyRow| {
            let (sink, state): (&str, &str) = (row.try_get("sink")?, row.try_get("state")?);
            let row_name = || format!("at least one delivery to {sink}");
            let (sink, state) = (
                sink.parse()
                    .map_err(|_| UnknownValue::name(row_name(), "sink", sink))?,
                state
                    .parse()
                    .map_err(|_| UnknownValue::name(row_name(), "state", state))?,
            );
            Ok(QueueDepth {
                sink,
                state,
                count: row.try_get("n")?,
                oldest_created_at: time(row.try_get("oldest")?),
            })
        };
        rows.iter().map(depth).collect()
    }
}
