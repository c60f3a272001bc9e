//! Counts the rows that must be written to Airtable before the month ends.

use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;

use super::{error::Result, open::Store, sql::open_statuses};
use crate::domain::budget::{Demand, Month};

const RENEWALS: &str = "SELECT 1 AS one FROM deliveries WHERE sink = 'airtable' AND state = 'done' AND due_at < $2 LIMIT $1";
const BEGUN: &str = "SELECT 1 AS one FROM calls WHERE started_at >= $2 LIMIT $1";

/// Calls without a final status.
fn open() -> String {
    let open = open_statuses();
    format!("SELECT 1 AS one FROM calls WHERE status IN ({open}) LIMIT $1")
}

/// Calls with a final status whose row is not written yet.
fn waiting() -> String {
    let open = open_statuses();
    format!(
        "SELECT 1 AS one FROM deliveries d JOIN calls c ON c.id = d.call_id WHERE d.sink = 'airtable'
         AND d.state IN ('pending', 'parked') AND c.status NOT IN ({open}) LIMIT $1"
    )
}

impl Store {
    /// The current demand. Each count stops at that of `enough`, which decides.
    pub async fn demand(&self, enough: &Demand, now: Timestamp) -> Result<Demand> {
        let ago = |hours| Some(now - SignedDuration::from_hours(hours));
        let month_ends = Some(Month::of(now).ends);
        let open_calls = self.count(&open(), enough.open_rows, None).await?;
        let rest = enough.open_rows.saturating_sub(open_calls);
        Ok(Demand {
            open_rows: open_calls + self.count(&waiting(), rest, None).await?,
            renewals: self.count(RENEWALS, enough.renewals, month_ends).await?,
            last_hour: self.count(BEGUN, enough.last_hour, ago(1)).await?,
            last_day: self.count(BEGUN, enough.last_day, ago(24)).await?,
        })
    }

    async fn count(&self, rows: &str, limit: u64, at: Option<Timestamp>) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM ({rows}) AS counted");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(limit);
        if let Some(at) = at {
            query = query.bind(at.as_millisecond());
        }
        let count: i64 = query.fetch_one(&self.read).await?;
        Ok(count.unsigned_abs())
    }
}
