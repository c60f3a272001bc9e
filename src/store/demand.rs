//! What the rest of the month has to be written to Airtable, counted in the database.

use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;

use super::{error::Result, open::Store};
use crate::domain::budget::{Demand, Month};

/// Calls without a final status.
const OPEN: &str = "SELECT 1 AS one FROM calls WHERE status IN ('live', 'processing') LIMIT $1";
/// Calls with a final status whose row waits.
const WAITING: &str =
    "SELECT 1 AS one FROM deliveries d JOIN calls c ON c.id = d.call_id WHERE d.sink = 'airtable'
    AND d.state IN ('pending', 'parked') AND c.status NOT IN ('live', 'processing') LIMIT $1";
const RENEWALS: &str = "SELECT 1 AS one FROM deliveries WHERE sink = 'airtable' AND state = 'done' AND due_at < $2 LIMIT $1";
const BEGUN: &str = "SELECT 1 AS one FROM calls WHERE started_at >= $2 LIMIT $1";

impl Store {
    /// The demand of now. Nothing is counted beyond `limit`: so much is too much already.
    pub async fn demand(&self, limit: u64, now: Timestamp) -> Result<Demand> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX / 2) + 1;
        let ago = |hours| now - SignedDuration::from_hours(hours);
        let open = self.count(OPEN, limit, None).await?;
        Ok(Demand {
            open_rows: open + self.count(WAITING, limit, None).await?,
            renewals: self
                .count(RENEWALS, limit, Some(Month::of(now).ends))
                .await?,
            last_hour: self.count(BEGUN, limit, Some(ago(1))).await?,
            last_day: self.count(BEGUN, limit, Some(ago(24))).await?,
        })
    }

    async fn count(&self, rows: &str, limit: i64, at: Option<Timestamp>) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM ({rows}) AS counted");
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(limit);
        if let Some(at) = at {
            query = query.bind(at.as_millisecond());
        }
        let count: i64 = query.fetch_one(&self.read).await?;
        Ok(count.unsigned_abs())
    }
}
