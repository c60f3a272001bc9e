//! How a process takes over the messages that others have left: row by row, so that no two of them fold the same ones.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::{error::Result, large_bodies::Sizes, open::Store};

/// How long a message is left to the process that stored it, or took it over, while that process lives.
const LEFT: Duration = Duration::from_secs(5);

/// Whether a message is left to others than the process that it belongs to: that one is dead, or has had it for too long.
pub(super) fn is_left(for_too_long: &str) -> String {
    format!("{for_too_long} OR NOT EXISTS (SELECT 1 FROM leases l WHERE l.job = i.received_by)")
}

/// Since when a message must be with a process to be left to others.
pub(super) fn left_since(now: Timestamp) -> i64 {
    (now - LEFT).as_millisecond()
}

/// Unprocessed messages of other processes than this one (`$2`) that are left to it, or that an earlier version stored. Whoever
/// takes one over makes it due again now, so that it is left to that process in turn.
fn left_by_others(sizes: Sizes) -> String {
    format!(
        "i.processed_at IS NULL AND i.due_at <= $1 AND {} AND (i.received_by IS NULL OR i.received_by <> $2 AND ({}))",
        sizes.condition(),
        is_left("(i.received_at <= $3 AND i.due_at <= $3)")
    )
}

impl Store {
    /// Takes over at most `limit` messages with bodies of these sizes; how many there were.
    pub(super) async fn take_over(&self, sizes: Sizes, now: Timestamp, limit: i64) -> Result<u64> {
        let (left, since) = (left_by_others(sizes), left_since(now));
        // Mostly there are none, and a write would wait for SQLite's one writer.
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM inbox i WHERE {left} LIMIT $4) AS others");
        let any = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let any = any.bind(self.process()).bind(since).bind(1_i64);
        let any: i64 = any.fetch_one(&self.read).await?;
        if any == 0 {
            return Ok(0);
        }
        let sql = format!(
            "WITH others AS MATERIALIZED (
               SELECT i.id AS other FROM inbox i WHERE {left} ORDER BY i.id LIMIT $4 {})
             UPDATE inbox SET received_by = $2, due_at = $1 FROM others WHERE id = other",
            self.engine.skip_locked("i")
        );
        let taken = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let taken = taken.bind(self.process()).bind(since).bind(limit);
        Ok(taken.execute(&self.write).await?.rows_affected())
    }
}
