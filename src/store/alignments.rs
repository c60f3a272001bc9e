//! Calls whose recording is to be listened to.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    error::Result,
    open::Store,
    sql::{chunks, rows},
};
use crate::domain::Call;

/// Another report may follow the first: a recording is fetched once for all of them.
const AFTER: Duration = Duration::from_secs(5);

/// A call that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAlignment {
    /// The call.
    pub call_id: String,
    /// How often it was begun.
    pub attempts: i64,
}

/// Notes those of the calls that have become ready for it.
pub(super) async fn note(
    connection: &mut AnyConnection,
    calls: &[&Call],
    now: Timestamp,
) -> Result<()> {
    let ready = calls.iter().filter(|call| call.to_align().is_some());
    let ready: Vec<&str> = ready.map(|call| call.id.as_str()).collect();
    for chunk in chunks(&ready) {
        let sql = format!(
            "INSERT INTO alignments (call_id, due_at, attempts) VALUES {} ON CONFLICT (call_id) DO NOTHING",
            rows(chunk.len(), 1, 3, "")
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = chunk.iter().fold(query, |query, call_id| {
            let due_at = now.as_millisecond() + AFTER.as_millis() as i64;
            query.bind(*call_id).bind(due_at).bind(0_i64)
        });
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// The call that has been due the longest.
    pub async fn next_alignment(&self, now: Timestamp) -> Result<Option<DueAlignment>> {
        let query = sqlx::query(
            "SELECT call_id, attempts FROM alignments WHERE due_at <= $1 ORDER BY due_at LIMIT 1",
        );
        let row = query.bind(now.as_millisecond());
        let Some(row) = row.fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        Ok(Some(DueAlignment {
            call_id: row.try_get("call_id")?,
            attempts: row.try_get("attempts")?,
        }))
    }

    /// Counts an attempt before it begins, and when the next one is due if this one does not end.
    pub async fn begin_alignment(&self, call_id: &str, again_at: Timestamp) -> Result<()> {
        let query = sqlx::query(
            "UPDATE alignments SET attempts = attempts + 1, due_at = $1 WHERE call_id = $2",
        );
        let query = query.bind(again_at.as_millisecond()).bind(call_id);
        query.execute(&self.write).await?;
        Ok(())
    }

    /// The call needs no further attempt.
    pub async fn end_alignment(&self, call_id: &str) -> Result<()> {
        let query = sqlx::query("DELETE FROM alignments WHERE call_id = $1");
        query.bind(call_id).execute(&self.write).await?;
        Ok(())
    }
}
