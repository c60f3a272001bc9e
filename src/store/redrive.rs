//! Sending again from what is stored: deliveries made due by hand.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    DeliveryKey, DeliveryState, Result, Store, chunks,
    deliveries::{sink_name, sink_named},
    rows, text,
};
use crate::domain::Sink;

/// Which deliveries; what is empty asks for nothing in particular.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    pub sink: Option<Sink>,
    pub states: Vec<DeliveryState>,
    /// Call ids.
    pub calls: Vec<String>,
}

/// A delivery and why it is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Outstanding {
    pub key: DeliveryKey,
    pub room_name: String,
    pub state: DeliveryState,
    pub last_error: Option<String>,
}

/// How much of a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedriveScope {
    /// What the other side does not have yet.
    Undelivered,
    /// Everything, as though it had never been delivered.
    Everything,
}

impl Store {
    /// The deliveries that a selection names, by call.
    pub async fn outstanding(&self, selection: &Selection) -> Result<Vec<Outstanding>> {
        if selection.calls.is_empty() {
            return self.outstanding_among(selection, &[]).await;
        }
        let mut messages = Vec::new();
        for calls in chunks(&selection.calls) {
            messages.extend(self.outstanding_among(selection, calls).await?);
        }
        Ok(messages)
    }

    async fn outstanding_among(
        &self,
        selection: &Selection,
        calls: &[String],
    ) -> Result<Vec<Outstanding>> {
        let mut sql = "SELECT d.sink, d.call_id, d.part, d.state, d.last_error, c.room_name
             FROM deliveries d JOIN calls c ON c.id = d.call_id WHERE ($1 = '' OR d.sink = $1)"
            .to_owned();
        let states = &selection.states;
        if !states.is_empty() {
            sql += &format!(" AND d.state IN {}", rows(1, 2, states.len(), ""));
        }
        if !calls.is_empty() {
            let ids = rows(1, 2 + states.len(), calls.len(), "");
            sql += &format!(" AND d.call_id IN {ids}");
        }
        sql += " ORDER BY c.started_at, d.call_id, d.sink, d.part";
        let mut query = sqlx::query(AssertSqlSafe(sql));
        query = query.bind(selection.sink.map(sink_name).unwrap_or_default());
        for state in states {
            query = query.bind(state.as_str());
        }
        for call in calls {
            query = query.bind(text(call));
        }
        let rows = query.fetch_all(&self.read).await?;
        let outstanding = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(outstanding.into_iter().flatten().collect())
    }

    /// Makes deliveries due now, those that are still in the state they were found in. How many that were.
    pub async fn redrive(
        &self,
        outstanding: &[Outstanding],
        again: RedriveScope,
        now: Timestamp,
    ) -> Result<u64> {
        let mut redriven = 0;
        for chunk in chunks(outstanding) {
            // Both engines call the columns of VALUES so.
            let sql = format!(
                "UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0,
                   delivered = CASE WHEN $2 = 'whole' THEN 0 ELSE delivered END
                 FROM (VALUES {}) AS v WHERE deliveries.sink = v.column1 AND deliveries.call_id = v.column2
                   AND deliveries.part = v.column3 AND deliveries.state = v.column4",
                rows(chunk.len(), 3, 4, "")
            );
            let whole = match again {
                RedriveScope::Everything => "whole",
                RedriveScope::Undelivered => "rest",
            };
            let mut query = sqlx::query(AssertSqlSafe(sql));
            query = query.bind(now.as_millisecond()).bind(whole);
            for Outstanding { key, state, .. } in chunk {
                query = query
                    .bind(sink_name(key.sink))
                    .bind(key.call_id.as_str())
                    .bind(key.item.as_str())
                    .bind(state.as_str());
            }
            redriven += query.execute(&self.write).await?.rows_affected();
        }
        Ok(redriven)
    }
}

/// `None` for a sink that this version does not know.
fn read(row: &AnyRow) -> Result<Option<Outstanding>> {
    let (sink, state): (String, String) = (row.try_get("sink")?, row.try_get("state")?);
    let Some(sink) = sink_named(&sink) else {
        return Ok(None);
    };
    Ok(Some(Outstanding {
        key: DeliveryKey {
            sink,
            call_id: row.try_get("call_id")?,
            item: row.try_get("part")?,
        },
        room_name: row.try_get("room_name")?,
        state: DeliveryState::read(&state),
        last_error: row.try_get("last_error")?,
    }))
}
