//! LEDGER: the requests that went to an Airtable base, shared by every process that has this database: when the last one
//! may go, how many the month has had, and the rate after refusals.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, any::AnyRow};

use super::{
    error::Result,
    open::Store,
    sql::{NEVER, time},
};
use crate::domain::budget::Month;

/// How far the last request's time may be ahead of the clock, in milliseconds, before it can only mean that the clock
/// was set back: `Retry-After` is limited to 10 min.
const STRAY: i64 = 15 * 60_000;

/// The longest pause after a refusal: `Retry-After` and the jitter.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(11 * 60);
/// How long a request waits for those before it while none is refused.
const ORDINARY_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// A base's row in the ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseRow {
    month: i64,
    used: u64,
    /// When the last request that was permitted may go.
    pub turn_at: Timestamp,
    /// Requests per second after the last 429, and when that was.
    pub lowered: Option<(f64, Timestamp)>,
}

/// How long after the request before it a request may go.
#[derive(Debug, Clone, Copy, Default)]
pub struct After {
    /// When the last request of this process may go.
    pub last: Option<Timestamp>,
    /// Distance from that request.
    pub own: Duration,
    /// Distance from a request of another process.
    pub others: Duration,
}

impl BaseRow {
    /// When the next request goes after Airtable refused one for its rate; `None`: nothing waits for that.
    pub fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        let (_, refused_at) = self.lowered?;
        let is_recent = now.duration_since(refused_at) < LONGEST_PAUSE;
        let is_pause = self.turn_at.duration_since(now) > ORDINARY_WAIT;
        (is_recent && is_pause).then_some(self.turn_at)
    }

    /// Requests used in the month of `now`.
    pub fn used(&self, now: Timestamp) -> u64 {
        let current = self.month >= Month::of(now).starts.as_millisecond();
        if current { self.used } else { 0 }
    }
}

impl Store {
    /// Counts one request and returns when it may be sent. `None`: `limit` requests of this month are used up.
    /// Committed before the request is sent, so a kill loses none from the count.
    pub async fn turn(
        &self,
        base_id: &str,
        after: After,
        limit: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<BaseRow>> {
        let rows = sqlx::query(
            "INSERT INTO bases (id, month, used, turn_at, lowered, lowered_at) VALUES ($1, $2, 1, $3, 0, 0)
             ON CONFLICT (id) DO UPDATE SET
               used = CASE WHEN bases.month < $2 THEN 1 ELSE bases.used + 1 END,
               month = CASE WHEN bases.month < $2 THEN $2 ELSE bases.month END,
               turn_at = CASE WHEN bases.turn_at > $5 THEN $3
                 WHEN bases.turn_at = $7 THEN CASE WHEN bases.turn_at + $4 < $3 THEN $3 ELSE bases.turn_at + $4 END
                 ELSE CASE WHEN bases.turn_at + $8 < $3 THEN $3 ELSE bases.turn_at + $8 END END
             WHERE bases.month < $2 OR bases.used < $6
             RETURNING month, used, turn_at, lowered, lowered_at",
        )
        .bind(base_id)
        .bind(Month::of(now).starts.as_millisecond())
        .bind(now.as_millisecond())
        .bind(whole_millis(after.own))
        .bind(now.as_millisecond() + STRAY)
        .bind(limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX)))
        .bind(after.last.map_or(NEVER, Timestamp::as_millisecond))
        .bind(whole_millis(after.others))
        // Read to the end; otherwise SQLite would commit only when the statement is dropped, and its error would be
        // lost.
        .fetch_all(&self.write)
        .await?;
        rows.first().map(read).transpose()
    }

    /// No requests before `until`, and from then on `rate` requests per second: Airtable answered 429.
    pub async fn lower(
        &self,
        base_id: &str,
        rate: f64,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE bases SET turn_at = CASE WHEN turn_at < $1 THEN $1 ELSE turn_at END, lowered = $2, lowered_at = $3
             WHERE id = $4",
        )
        .bind(until.as_millisecond())
        .bind((rate * 1000.0) as i64)
        .bind(now.as_millisecond())
        .bind(base_id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// This base's row in the ledger; `None`: nothing was ever sent to it.
    pub async fn base(&self, base_id: &str) -> Result<Option<BaseRow>> {
        let query = sqlx::query(
            "SELECT month, used, turn_at, lowered, lowered_at FROM bases WHERE id = $1",
        );
        let row = query.bind(base_id).fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

fn read(row: &AnyRow) -> Result<BaseRow> {
    let used: i64 = row.try_get("used")?;
    let lowered: i64 = row.try_get("lowered")?;
    let lowered_at = time(row.try_get("lowered_at")?);
    Ok(BaseRow {
        month: row.try_get("month")?,
        used: used.unsigned_abs(),
        turn_at: time(row.try_get("turn_at")?),
        lowered: (lowered > 0).then(|| (lowered as f64 / 1000.0, lowered_at)),
    })
}
