//! Retention: raw messages and transcripts are purged KEEP after their call's rows were delivered.
//!
//! The rule for `replay`: a call that is `purged` has lost messages, and is left as it is.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::{
    calls::{CallRow, IDS_AND_SIZES},
    engine::Engine,
    error::Result,
    open::Store,
    reports,
    sql::{NEVER, chunks, open_statuses, rows},
};

/// Calls or messages per transaction: the writer is free again after some milliseconds.
const BATCH: i64 = 200;
/// Free pages that stay in the file for new data; each has 4 KiB.
const RESERVE: i64 = 256;

impl Store {
    /// Notes which calls have ended and been delivered everywhere by now; how many were not noted before.
    pub async fn note_complete(&self, now: Timestamp) -> Result<u64> {
        let sql = format!(
            "UPDATE calls SET complete_at = $1 WHERE id IN (
               SELECT c.id FROM calls c WHERE c.complete_at IS NULL AND c.status NOT IN ({})
               AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.call_id = c.id AND d.state <> 'done') LIMIT $2)",
            open_statuses()
        );
        let done = sqlx::query(AssertSqlSafe(sql));
        let done = done.bind(now.as_millisecond()).bind(BATCH);
        Ok(done.execute(&self.write).await?.rows_affected())
    }

    /// Calls that had been delivered by then, and still are, without agents' reports.
    pub async fn complete_before(&self, then: Timestamp) -> Result<Vec<CallRow>> {
        let sql = format!(
            "{} WHERE complete_at <= $1 AND NOT EXISTS
               (SELECT 1 FROM deliveries d WHERE d.call_id = calls.id AND d.state <> 'done') LIMIT $2",
            IDS_AND_SIZES
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(then.as_millisecond());
        self.without_reports(query.bind(BATCH)).await
    }

    /// Writes calls that were [purged](crate::domain::Call::purge). One that has changed since it was read stays.
    pub async fn purge(&self, purged: &[CallRow]) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        for CallRow { call, revision, .. } in purged {
            let done = sqlx::query(
                "UPDATE calls SET state = $1, revision = revision + 1, complete_at = $2 WHERE id = $3 AND revision = $4",
            )
            .bind(serde_json::to_string(call)?)
            .bind(NEVER)
            .bind(call.id.as_str())
            .bind(*revision)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() > 0 {
                reports::forget(&mut transaction, &call.id).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Deletes messages that were processed by then and belong to a purged call or to none, starting after the
    /// message `after`. Where to continue; `None`: that was all.
    pub async fn sweep(&self, after: &str, then: Timestamp) -> Result<Option<String>> {
        let scanned = sqlx::query(
            "SELECT i.id, CAST(CASE WHEN i.processed_at <= $1 AND (i.call_id IS NULL OR c.complete_at = $2)
               THEN 1 ELSE 0 END AS BIGINT) AS is_over
             FROM inbox i LEFT JOIN calls c ON c.id = i.call_id WHERE i.id > $3 AND i.id < $4 ORDER BY i.id LIMIT $5",
        )
        .bind(then.as_millisecond())
        .bind(NEVER)
        .bind(after)
        .bind(first_id(then))
        .bind(BATCH)
        .fetch_all(&self.read)
        .await?;
        let mut over = Vec::new();
        for row in &scanned {
            if row.try_get::<i64, _>("is_over")? == 1 {
                over.push(row.try_get::<String, _>("id")?);
            }
        }
        for chunk in chunks(&over) {
            let ids = rows(1, 1, chunk.len(), "");
            let sql = format!("DELETE FROM inbox WHERE id IN {ids}");
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = chunk.iter().fold(query, |query, id| query.bind(id));
            query.execute(&self.write).await?;
        }
        let last = scanned.last().filter(|_| scanned.len() as i64 == BATCH);
        Ok(last.map(|row| row.try_get("id")).transpose()?)
    }

    /// Returns some free pages to the file system. `true`: there are more. (PostgreSQL does this automatically.)
    pub async fn shrink(&self) -> Result<bool> {
        if self.engine != Engine::Sqlite {
            return Ok(false);
        }
        let free = sqlx::query_scalar::<_, i64>("PRAGMA freelist_count");
        let spare = free.fetch_one(&self.read).await? - RESERVE;
        if spare <= 0 {
            return Ok(false);
        }
        let pages = spare.min(BATCH);
        let sql = AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})"));
        sqlx::query(sql).fetch_all(&self.write).await?;
        Ok(spare > BATCH)
    }
}

/// The smallest ID that a message of this time can have: IDs start with their milliseconds.
fn first_id(at: Timestamp) -> String {
    let millis = format!("{:012x}", at.as_millisecond().max(0));
    let (high, low) = millis.split_at(8);
    format!("{high}-{low}")
}
