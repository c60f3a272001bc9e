//! CLAIM: a process takes due deliveries row by row and sends them. A claim is as good as the lease of its process: when
//! that lease ends, because the process stopped or another one found it dead, its rows are free. No time is stored, so no
//! clock decides.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::{
    deliveries::in_turn,
    delivery::{COLUMNS, Delivery, DeliveryKey, read},
    delivery_state::DeliveryState,
    error::Result,
    open::Store,
    sql::quoted,
};
use crate::domain::Sink;

/// Rows that neither this process (`$4`) nor another living one has claimed.
const FREE: &str = "(d.claimed_by IS NULL OR d.claimed_by <> $4
   AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.job = d.claimed_by))";

impl Store {
    /// Claims due deliveries of a sink for this process, the longest due first and at most `limit`. What another process
    /// is claiming at the same time is skipped, not waited for.
    pub async fn claim_due(&self, sink: Sink, now: Timestamp, limit: i64) -> Result<Vec<Delivery>> {
        // Mostly nothing is due, and a write would wait for SQLite's one writer.
        if self.free(sink, now).await? == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH picked AS MATERIALIZED (
               SELECT d.sink AS picked_sink, d.call_id AS picked_call, d.part AS picked_part FROM deliveries d
               WHERE {} AND {FREE} ORDER BY d.due_at LIMIT $3 {})
             UPDATE deliveries SET claimed_by = $4 FROM picked
             WHERE sink = picked_sink AND call_id = picked_call AND part = picked_part RETURNING {}",
            in_turn(),
            self.engine.skip_locked("d"),
            COLUMNS.replace("d.", "")
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
        let query = query.bind(now.as_millisecond()).bind(limit);
        let query = query.bind(self.process());
        let rows = query.fetch_all(&self.write).await?;
        rows.iter().map(read).collect()
    }

    /// 1 if a due delivery can be claimed, else 0.
    async fn free(&self, sink: Sink, now: Timestamp) -> Result<i64> {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE {} AND {FREE} LIMIT $3) AS due",
            in_turn()
        );
        let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(sink.as_str());
        let query = query.bind(now.as_millisecond()).bind(1_i64);
        Ok(query.bind(self.process()).fetch_one(&self.read).await?)
    }

    /// Forgets the claims of a sink's unfinished deliveries: of a file, which one process serves at a time, they are those of
    /// an earlier version.
    pub async fn forget_claims(&self, sink: Sink) -> Result<()> {
        let states = quoted(
            DeliveryState::ALL
                .into_iter()
                .filter(|state| *state != DeliveryState::Done)
                .map(DeliveryState::as_str),
        );
        let claimed = format!("sink = $1 AND state IN ({states}) AND claimed_by IS NOT NULL");
        let sql = format!("SELECT COUNT(*) FROM deliveries WHERE {claimed}");
        let count = sqlx::query_scalar(AssertSqlSafe(sql)).bind(sink.as_str());
        let count: i64 = count.fetch_one(&self.read).await?;
        if count > 0 {
            let sql = format!("UPDATE deliveries SET claimed_by = NULL WHERE {claimed}");
            let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
            query.execute(&self.write).await?;
        }
        Ok(())
    }

    /// Gives claims of this process back that led to no attempt, or whose outcome could not be stored.
    pub async fn release_claims(&self, keys: &[DeliveryKey]) -> Result<()> {
        for key in keys {
            sqlx::query(
                "UPDATE deliveries SET claimed_by = NULL
                 WHERE sink = $1 AND call_id = $2 AND part = $3 AND claimed_by = $4",
            )
            .bind(key.sink.as_str())
            .bind(key.call_id.as_str())
            .bind(key.item.as_str())
            .bind(self.process())
            .execute(&self.write)
            .await?;
        }
        Ok(())
    }
}
