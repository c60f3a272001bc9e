//! CALL: written by intake alone, read by everybody.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{
    Any, AnyConnection, AssertSqlSafe, Row,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::{
    Error, Processed, Result, Store, Waiting, chunks, deliveries::enqueue, inbox, millis, rows,
    text, time,
};
use crate::domain::{Call, DueDelivery, Recording, Sink, transcript::Reports};

/// A stored call and how often it has changed.
#[derive(Debug, Clone)]
pub struct CallRow {
    pub call: Call,
    pub revision: i64,
    pub changed_at: Timestamp,
    /// How large it is, as it is stored.
    pub bytes: usize,
}

/// What intake made of a call, to be written with the messages it came from.
#[derive(Debug)]
pub struct CallUpdate {
    pub call: Call,
    /// The revision that was read; 0 for a new call.
    pub read_revision: i64,
    /// It has another room name than the call that was read.
    pub renamed: bool,
    pub due_deliveries: Vec<DueDelivery>,
}

/// `GET /v1/calls`
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    pub room_name: Option<String>,
    pub status: Option<String>,
    /// pending, parked or dead: calls with such a delivery.
    pub delivery: Option<String>,
    pub limit: i64,
    /// The last page's `next_cursor`.
    pub cursor: Option<String>,
}

#[derive(Debug)]
pub struct Page {
    pub calls: Vec<CallRow>,
    pub next_cursor: Option<String>,
}

const COLUMNS: &str = "SELECT state, revision, changed_at FROM calls";
/// Which calls, and how large they are.
pub(super) const FOUND: &str = "SELECT id, CAST(OCTET_LENGTH(state) AS BIGINT) AS bytes FROM calls";

impl Store {
    pub async fn call(&self, id: &str) -> Result<Option<CallRow>> {
        self.one_call("WHERE id = $1", id).await
    }

    /// Those of these calls that are known.
    pub async fn calls(&self, ids: &[&str]) -> Result<Vec<CallRow>> {
        let mut calls = Vec::new();
        for chunk in chunks(ids) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = AssertSqlSafe(format!("{COLUMNS} WHERE id IN {ids}"));
            let query = sqlx::query(sql);
            let query = chunk.iter().fold(query, |query, id| query.bind(*id));
            for row in query.fetch_all(&self.read).await? {
                calls.push(read(&row)?);
            }
        }
        Ok(calls)
    }

    pub async fn call_of_egress(&self, egress_id: &str) -> Result<Option<CallRow>> {
        let clause = "WHERE id = (SELECT call_id FROM recordings WHERE egress_id = $1)";
        self.one_call(clause, egress_id).await
    }

    /// What is known of these egresses, by id; many at once, and without their calls.
    pub async fn recordings(&self, egress_ids: &[&str]) -> Result<BTreeMap<String, Recording>> {
        let mut known = BTreeMap::new();
        for chunk in chunks(egress_ids) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = format!("SELECT egress_id, state FROM recordings WHERE egress_id IN {ids}");
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, id| query.bind(text(id)));
            for row in query.fetch_all(&self.read).await? {
                let state: String = row.try_get("state")?;
                known.insert(row.try_get("egress_id")?, serde_json::from_str(&state)?);
            }
        }
        Ok(known)
    }

    async fn one_call(&self, clause: &str, key: &str) -> Result<Option<CallRow>> {
        let query = sqlx::query(AssertSqlSafe(format!("{COLUMNS} {clause}")));
        let row = query.bind(text(key)).fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }

    /// Calls of a room name, newest first, without what agents reported.
    pub async fn calls_named(&self, room_name: &str, limit: i64) -> Result<Vec<CallRow>> {
        let sql = format!("{FOUND} WHERE room_name = $1 ORDER BY started_at DESC LIMIT $2");
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(text(room_name))
            .bind(limit);
        self.bare(query).await
    }

    /// Calls whose room is open, or whose recording is awaited, without what agents reported: there may be many.
    pub async fn unfinished(&self) -> Result<Vec<CallRow>> {
        let sql = format!("{FOUND} WHERE status IN ('live', 'processing') ORDER BY started_at");
        self.bare(sqlx::query(AssertSqlSafe(sql))).await
    }

    /// Calls without what agents reported, in the order of `found`, which begins with [`FOUND`]. Never more of them are
    /// read at once than memory is meant for: a transcript may have 16 MiB, and a driver reads ahead (sqlx: 50 rows).
    pub(super) async fn bare(
        &self,
        messages: Query<'_, Any, AnyArguments>,
    ) -> Result<Vec<CallRow>> {
        let messages = messages.fetch_all(&self.read).await?;
        let (mut ids, mut sizes) = (Vec::new(), Vec::new());
        for row in &messages {
            ids.push(row.try_get::<&str, _>("id")?);
            sizes.push(row.try_get::<i64, _>("bytes")?);
        }
        let mut calls = Vec::new();
        while calls.len() < ids.len() {
            let from = calls.len();
            let some = &ids[from..][..inbox::fitting(&sizes[from..])];
            let rows = self.calls(some).await?.into_iter();
            let mut rows: BTreeMap<_, _> = rows.map(|row| (row.call.id.clone(), row)).collect();
            for id in some {
                // Calls are never deleted.
                let mut row = rows.remove(*id).ok_or(Error::Conflict)?;
                row.call.reports = Reports::default();
                calls.push(row);
            }
        }
        Ok(calls)
    }

    /// Without what agents reported: a page of transcripts may be gigabytes.
    pub async fn page(&self, filter: &CallFilter) -> Result<Page> {
        let sql = format!(
            "{FOUND} WHERE ($1 = '' OR room_name = $1) AND ($2 = '' OR status = $2)
             AND ($3 = '' OR EXISTS (SELECT 1 FROM deliveries d WHERE d.call_id = calls.id AND d.state = $3))
             AND (started_at < $4 OR (started_at = $4 AND id < $5))
             ORDER BY started_at DESC, id DESC LIMIT $6"
        );
        let (at, id) = filter
            .cursor
            .as_deref()
            .and_then(cursor)
            .unwrap_or((i64::MAX, String::new()));
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(text(filter.room_name.as_deref().unwrap_or("")))
            .bind(filter.status.as_deref().unwrap_or(""))
            .bind(filter.delivery.as_deref().unwrap_or(""))
            .bind(at)
            .bind(text(&id))
            .bind(filter.limit + 1);
        let mut calls = self.bare(query).await?;
        let more = calls.len() as i64 > filter.limit;
        calls.truncate(filter.limit as usize);
        let next =
            |row: &CallRow| format!("{}.{}", placed_at(&row.call, row.changed_at), row.call.id);
        let next_cursor = calls.last().filter(|_| more).map(next);
        Ok(Page { calls, next_cursor })
    }

    /// Writes what intake made of a batch of messages: calls, deliveries and the messages' fate, all or nothing.
    pub async fn commit_fold(
        &self,
        folded: &[CallUpdate],
        processed: &[Processed],
        waiting: &[Waiting],
        sinks: &[Sink],
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        inbox::mark_processed(&mut transaction, processed, now).await?;
        inbox::wait(&mut transaction, waiting).await?;
        write(&mut transaction, folded, now).await?;
        enqueue(&mut transaction, folded, sinks, now).await?;
        let fresh = folded.iter().filter(|fold| fold.renamed);
        let names: Vec<&str> = fresh.map(|fold| fold.call.room_name.as_str()).collect();
        inbox::wake_waiting(&mut transaction, &names, now).await?;
        Ok(transaction.commit().await?)
    }

    /// How many calls there are of each status.
    pub async fn count_calls(&self) -> Result<Vec<(String, i64)>> {
        let query = sqlx::query("SELECT status, COUNT(*) AS n FROM calls GROUP BY status");
        let rows = query.fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("status")?, row.try_get("n")?)))
            .collect()
    }
}

/// Guarded by the revision that was read: nobody else may have written the call meanwhile.
async fn write(
    connection: &mut AnyConnection,
    folded: &[CallUpdate],
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(folded) {
        let sql = format!(
            "INSERT INTO calls (id, room_name, status, revision, started_at, ended_at, changed_at, state) VALUES {}
             ON CONFLICT (id) DO UPDATE SET room_name = excluded.room_name, status = excluded.status,
               revision = excluded.revision, started_at = excluded.started_at, ended_at = excluded.ended_at,
               changed_at = excluded.changed_at, complete_at = NULL, state = excluded.state
             WHERE calls.revision = excluded.revision - 1",
            rows(chunk.len(), 1, 8, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for CallUpdate {
            call,
            read_revision,
            ..
        } in chunk
        {
            query = query
                .bind(call.id.as_str())
                .bind(text(&call.room_name))
                .bind(call.status().as_str())
                .bind(read_revision + 1)
                .bind(placed_at(call, now))
                .bind(millis(call.ended_at()))
                .bind(now.as_millisecond())
                .bind(serde_json::to_string(call)?);
        }
        let done = query.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(Error::Conflict);
        }
    }
    name_recordings(connection, folded).await
}

/// Which call an egress belongs to, and what is known of it.
async fn name_recordings(connection: &mut AnyConnection, folded: &[CallUpdate]) -> Result<()> {
    // A statement may not write a row twice.
    let mut known: BTreeMap<&str, (&str, &Recording)> = BTreeMap::new();
    for call in folded.iter().map(|fold| &fold.call) {
        for (egress_id, recording) in &call.recordings {
            known.insert(egress_id, (&call.id, recording));
        }
    }
    let known: Vec<_> = known.into_iter().collect();
    for chunk in chunks(&known) {
        let sql = format!(
            "INSERT INTO recordings (egress_id, call_id, state) VALUES {}
             ON CONFLICT (egress_id) DO UPDATE SET state = excluded.state WHERE recordings.state <> excluded.state",
            rows(chunk.len(), 1, 3, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (egress_id, (call_id, recording)) in chunk {
            let state = serde_json::to_string(recording)?;
            query = query.bind(*egress_id).bind(*call_id).bind(state);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<CallRow> {
    // Borrowed: a long transcript makes it many megabytes.
    let state: &str = row.try_get("state")?;
    Ok(CallRow {
        call: serde_json::from_str(state)?,
        revision: row.try_get("revision")?,
        changed_at: time(row.try_get("changed_at")?),
        bytes: state.len(),
    })
}

/// Where a call stands in time: of one that was found in the bucket only the end may be known.
fn placed_at(call: &Call, written_at: Timestamp) -> i64 {
    let known = call.started_at().or(call.ended_at());
    known.unwrap_or(written_at).as_millisecond()
}

fn cursor(text: &str) -> Option<(i64, String)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.to_owned()))
}
