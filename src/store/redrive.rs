//! Retrying from what is stored: deliveries made due by hand.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    delivery::{DeliveryKey, read_key, read_state},
    delivery_state::DeliveryState,
    error::Result,
    open::Store,
    sql::{chunks, rows, text},
};
use crate::domain::Sink;

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of this sink; `None`: of all.
    pub sink: Option<Sink>,
    /// In these states.
    pub states: StateSelection,
    /// Of these calls.
    pub calls: CallSelection,
}

/// Which states.
#[derive(Debug, Clone, Copy, Default)]
pub enum StateSelection {
    /// Delivered or not.
    #[default]
    Any,
    /// These.
    Only(&'static [DeliveryState]),
}

/// Which calls.
#[derive(Debug, Clone, Default)]
pub enum CallSelection {
    /// Every call.
    #[default]
    All,
    /// Those of these ids.
    Only(Vec<String>),
}

impl StateSelection {
    fn states(self) -> &'static [DeliveryState] {
        match self {
            StateSelection::Any => &DeliveryState::ALL,
            StateSelection::Only(states) => states,
        }
    }
}

/// A delivery and why it is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Outstanding {
    /// Which one.
    pub key: DeliveryKey,
    /// Its call's room.
    pub room_name: String,
    /// Its state.
    pub state: DeliveryState,
    /// Why the last try failed, or why the sink is paused, for people.
    pub last_error: Option<String>,
}

/// How much of a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedriveScope {
    /// Only what the other side does not have yet.
    Undelivered,
    /// Everything, as if it had never been delivered.
    Everything,
}

impl Store {
    /// The deliveries that a selection names, by call. `Unknown`: one has a sink that this version does not know.
    pub async fn outstanding(&self, selection: &Selection) -> Result<Vec<Outstanding>> {
        let ids = match &selection.calls {
            CallSelection::All => return self.outstanding_among(selection, &[]).await,
            CallSelection::Only(ids) => ids,
        };
        let mut outstanding = Vec::new();
        for calls in chunks(ids) {
            outstanding.extend(self.outstanding_among(selection, calls).await?);
        }
        Ok(outstanding)
    }

    /// `calls`: of these only; empty: of all.
    async fn outstanding_among(
        &self,
        selection: &Selection,
        calls: &[String],
    ) -> Result<Vec<Outstanding>> {
        let states = selection.states.states();
        let mut sql = format!(
            "SELECT d.sink, d.call_id, d.part, d.state, c.room_name,
               CASE WHEN d.state = 'pending' THEN COALESCE(d.last_error, p.error) ELSE d.last_error END AS last_error
             FROM deliveries d JOIN calls c ON c.id = d.call_id LEFT JOIN closures p ON p.sink = d.sink WHERE ($1 = '' OR d.sink = $1) AND d.state IN {}",
            rows(1, 2, states.len(), "")
        );
        if !calls.is_empty() {
            let ids = rows(1, 2 + states.len(), calls.len(), "");
            sql += &format!(" AND d.call_id IN {ids}");
        }
        sql += " ORDER BY c.started_at, d.call_id, d.sink, d.part";
        let mut query = sqlx::query(AssertSqlSafe(sql));
        query = query.bind(selection.sink.map_or("", Sink::as_str));
        for state in states {
            query = query.bind(state.as_str());
        }
        for call in calls {
            query = query.bind(text(call));
        }
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// Makes deliveries due now, those that are still in the state they were read in. How many that were.
    pub async fn redrive(
        &self,
        outstanding: &[Outstanding],
        scope: RedriveScope,
        now: Timestamp,
    ) -> Result<u64> {
        let delivered = match scope {
            RedriveScope::Everything => "0",
            RedriveScope::Undelivered => "delivered",
        };
        let mut redriven = 0;
        for chunk in chunks(outstanding) {
            // The names that both engines give to the columns of VALUES.
            let sql = format!(
                "UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0, delivered = {delivered}
                 FROM (VALUES {}) AS v WHERE deliveries.sink = v.column1 AND deliveries.call_id = v.column2
                   AND deliveries.part = v.column3 AND deliveries.state = v.column4",
                rows(chunk.len(), 2, 4, "")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
            for Outstanding { key, state, .. } in chunk {
                query = query
                    .bind(key.sink.as_str())
                    .bind(key.call_id.as_str())
                    .bind(key.item.as_str())
                    .bind(state.as_str());
            }
            redriven += query.execute(&self.write).await?.rows_affected();
        }
        Ok(redriven)
    }
}

fn read(row: &AnyRow) -> Result<Outstanding> {
    let key = read_key(row)?;
    Ok(Outstanding {
        room_name: row.try_get("room_name")?,
        state: read_state(&key, row)?,
        last_error: row.try_get("last_error")?,
        key,
    })
}
