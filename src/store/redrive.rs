//! Sending again from what is stored: deliveries made due by hand.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    Key, Result, State, Store, chunks,
    deliveries::{sink_name, sink_named},
    rows, text,
};
use crate::domain::Sink;

/// Which deliveries; what is empty asks for nothing in particular.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    pub sink: Option<Sink>,
    pub states: Vec<State>,
    /// Call ids.
    pub calls: Vec<String>,
}

/// A delivery and why it is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Owing {
    pub key: Key,
    pub room_name: String,
    pub state: State,
    pub last_error: Option<String>,
}

/// How much of a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// What the other side does not have yet.
    Rest,
    /// Everything, as though it had never been delivered.
    Whole,
}

impl Store {
    /// The deliveries that a selection names, by call.
    pub async fn owing(&self, selection: &Selection) -> Result<Vec<Owing>> {
        if selection.calls.is_empty() {
            return self.owing_among(selection, &[]).await;
        }
        let mut found = Vec::new();
        for calls in chunks(&selection.calls) {
            found.extend(self.owing_among(selection, calls).await?);
        }
        Ok(found)
    }

    async fn owing_among(&self, selection: &Selection, calls: &[String]) -> Result<Vec<Owing>> {
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
        let owing = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(owing.into_iter().flatten().collect())
    }

    /// Makes deliveries due now, those that are still in the state they were found in. How many that were.
    pub async fn redrive(&self, owing: &[Owing], again: Again, now: Timestamp) -> Result<u64> {
        let mut redriven = 0;
        for chunk in chunks(owing) {
            // Both engines call the columns of VALUES so.
            let sql = format!(
                "UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0,
                   delivered = CASE WHEN $2 = 'whole' THEN 0 ELSE delivered END
                 FROM (VALUES {}) AS v WHERE deliveries.sink = v.column1 AND deliveries.call_id = v.column2
                   AND deliveries.part = v.column3 AND deliveries.state = v.column4",
                rows(chunk.len(), 3, 4, "")
            );
            let whole = match again {
                Again::Whole => "whole",
                Again::Rest => "rest",
            };
            let mut query = sqlx::query(AssertSqlSafe(sql));
            query = query.bind(now.as_millisecond()).bind(whole);
            for Owing { key, state, .. } in chunk {
                query = query
                    .bind(sink_name(key.sink))
                    .bind(key.call_id.as_str())
                    .bind(key.part.as_str())
                    .bind(state.as_str());
            }
            redriven += query.execute(&self.write).await?.rows_affected();
        }
        Ok(redriven)
    }

    /// Calls upon a closed sink to probe at once, in whichever process it is.
    pub async fn probe_now(&self, sink: Sink, now: Timestamp) -> Result<()> {
        self.set(&probe_name(sink), &now.to_string()).await
    }

    /// What was last called; another value means: probe.
    pub async fn probe_call(&self, sink: Sink) -> Result<Option<String>> {
        self.get(&probe_name(sink)).await
    }
}

fn probe_name(sink: Sink) -> String {
    format!("probe.{}", sink_name(sink))
}

/// `None` for a sink that this version does not know.
fn read(row: &AnyRow) -> Result<Option<Owing>> {
    let (sink, state): (String, String) = (row.try_get("sink")?, row.try_get("state")?);
    let Some(sink) = sink_named(&sink) else {
        return Ok(None);
    };
    Ok(Some(Owing {
        key: Key {
            sink,
            call_id: row.try_get("call_id")?,
            part: row.try_get("part")?,
        },
        room_name: row.try_get("room_name")?,
        state: State::read(&state),
        last_error: row.try_get("last_error")?,
    }))
}
