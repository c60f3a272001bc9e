//! Faults that the database shows: for alerts and for `/metrics`.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::{
    calls::IDS_AND_SIZES,
    error::Result,
    open::Store,
    refused_creates::WAITS_FOR_CREATES,
    sql::{NEVER, quoted, time},
    unknown::UnknownValue,
};
use crate::domain::{Call, Sink};

/// Calls that are named; the count says how many there are.
const NAMED: i64 = 3;
/// How far back recordings that failed in a row are counted, in calls of each status.
const IN_A_ROW: i64 = 50;
/// How many of the newest messages are searched for a webhook.
const NEWEST: i64 = 2000;

/// Deliveries of a sink that are stuck in the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    /// Whose.
    pub sink: Sink,
    /// How many there are.
    pub count: i64,
    /// Since when the oldest is to be delivered.
    pub oldest_created_at: Timestamp,
    /// IDs of the oldest calls.
    pub calls: Vec<String>,
}

/// Whether LiveKit's webhooks arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookGap {
    /// When the last one came; `None`: none did lately.
    pub last_webhook_at: Option<Timestamp>,
    /// Ids of live calls and when they began, the newest first; at most 100.
    pub live: Vec<(String, Timestamp)>,
}

/// Messages that intake should have processed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unprocessed {
    /// How many there are.
    pub count: i64,
    /// Since when the oldest is due; `None`: there are none.
    pub due_since: Option<Timestamp>,
}

impl Store {
    /// Open calls that should have been recorded since then or longer, and are not; oldest first.
    pub async fn unrecorded(&self, since: Timestamp) -> Result<Vec<String>> {
        let sql = format!(
            "{} WHERE status = 'live' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.call_id = calls.id
               AND d.sink = 'egress' AND d.created_at <= $1) ORDER BY started_at",
            IDS_AND_SIZES
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(since.as_millisecond());
        let calls = self
            .without_reports(query)
            .await?
            .into_iter()
            .map(|row| row.call);
        let unrecorded = calls.filter(|call| call.is_unrecorded());
        Ok(unrecorded.map(|call| call.id.into()).collect())
    }

    /// Calls whose recordings failed since the last successful one, newest first. Calls that could not have been
    /// recorded, and history, are excluded.
    pub async fn failed_in_a_row(&self, our_key: &str) -> Result<Vec<Call>> {
        let last = sqlx::query_scalar(
            "SELECT MAX(ended_at) FROM (SELECT ended_at FROM calls WHERE status = 'complete' ORDER BY started_at DESC LIMIT $1) AS newest",
        );
        let last: Option<i64> = last.bind(IN_A_ROW).fetch_one(&self.read).await?;
        let began_at = self.began_at().await?.as_millisecond();
        let sql = format!(
            "{} WHERE status = 'failed' AND ended_at > $1 AND ended_at >= $2 ORDER BY started_at DESC LIMIT $3",
            IDS_AND_SIZES
        );
        let failed = sqlx::query(AssertSqlSafe(sql)).bind(last.unwrap_or(i64::MIN));
        let failed = failed.bind(began_at).bind(IN_A_ROW);
        let failed = self
            .without_reports(failed)
            .await?
            .into_iter()
            .map(|row| row.call);
        let mut in_a_row: Vec<Call> = failed
            .filter(|call| call.could_be_recorded(our_key))
            .collect();
        in_a_row.sort_by_key(|call| std::cmp::Reverse(call.ended_at()));
        Ok(in_a_row)
    }

    /// Waiting deliveries: those that failed, due since `failed` or longer; the others, since `quiet` or longer. Starts
    /// of recordings are excluded: they are monitored per call.
    pub async fn waiting(&self, failed: Timestamp, quiet: Timestamp) -> Result<Vec<Backlog>> {
        let sinks = Sink::ALL.into_iter().filter(|sink| *sink != Sink::Egress);
        let clause = format!(
            "sink IN ({}) AND state IN ('pending', 'parked') AND (created_at <= $1 AND last_error IS NOT NULL OR created_at <= $2)",
            quoted(sinks.map(Sink::as_str))
        );
        let (failed, quiet) = (failed.as_millisecond(), quiet.as_millisecond());
        self.backlogs(&clause, failed, quiet).await
    }

    /// The number of this sink's waiting deliveries.
    pub async fn waiting_for(&self, sink: Sink) -> Result<i64> {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM deliveries WHERE sink = $1 AND state IN ('pending', 'parked')",
        );
        Ok(query.bind(sink.as_str()).fetch_one(&self.read).await?)
    }

    /// Rows that are parked because Airtable creates none; `None`: there are none.
    pub async fn refused_creates(&self) -> Result<Option<Backlog>> {
        let clause = format!("{WAITS_FOR_CREATES} AND created_at BETWEEN $1 AND $2");
        Ok(self.backlogs(&clause, 0, NEVER).await?.pop())
    }

    /// Whether any of them waits because it failed.
    pub async fn has_failed(&self, sink: Sink) -> Result<bool> {
        let query = sqlx::query_scalar(
            "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE sink = $1 AND state IN ('pending', 'parked')
             AND last_error IS NOT NULL LIMIT 1) AS failed",
        );
        let failed: i64 = query.bind(sink.as_str()).fetch_one(&self.read).await?;
        Ok(failed > 0)
    }

    /// Deliveries that failed permanently.
    pub async fn dead(&self) -> Result<Vec<Backlog>> {
        let clause = format!(
            "sink IN ({}) AND state = 'dead' AND created_at BETWEEN $1 AND $2",
            quoted(Sink::ALL.into_iter().map(Sink::as_str))
        );
        self.backlogs(&clause, 0, NEVER).await
    }

    /// Deliveries that a clause of two parameters selects, by sink.
    async fn backlogs(&self, clause: &str, first: i64, second: i64) -> Result<Vec<Backlog>> {
        let sql = format!(
            "SELECT sink, COUNT(*) AS n, MIN(created_at) AS oldest FROM deliveries WHERE {clause} GROUP BY sink ORDER BY sink"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(first).bind(second);
        let mut backlogs = Vec::new();
        for row in query.fetch_all(&self.read).await? {
            let sink: &str = row.try_get("sink")?;
            let sink: Sink = sink.parse().map_err(|_| {
                UnknownValue::name("at least one delivery".to_owned(), "sink", sink)
            })?;
            let sql = format!(
                "SELECT call_id FROM deliveries WHERE {clause} AND sink = $3 ORDER BY created_at, call_id LIMIT $4"
            );
            let calls = sqlx::query_scalar(AssertSqlSafe(sql));
            let calls = calls
                .bind(first)
                .bind(second)
                .bind(sink.as_str())
                .bind(NAMED);
            backlogs.push(Backlog {
                calls: calls.fetch_all(&self.read).await?,
                sink,
                count: row.try_get("n")?,
                oldest_created_at: time(row.try_get("oldest")?),
            });
        }
        Ok(backlogs)
    }

    /// Whether webhooks come while rooms are open.
    pub async fn webhook_gap(&self) -> Result<WebhookGap> {
        // Bounded: if none of so many messages was a webhook, that is the answer.
        let last = sqlx::query_scalar(
            "SELECT received_at FROM (SELECT id, kind, received_at FROM inbox ORDER BY id DESC LIMIT $1) AS newest
             WHERE kind = 'webhook' ORDER BY id DESC LIMIT 1",
        );
        let last: Option<i64> = last.bind(NEWEST).fetch_optional(&self.read).await?;
        let live = sqlx::query(
            "SELECT id, started_at FROM calls WHERE status = 'live' ORDER BY started_at DESC LIMIT 100",
        );
        let live = live.fetch_all(&self.read).await?;
        let live = live
            .iter()
            .map(|row| Ok((row.try_get("id")?, time(row.try_get("started_at")?))));
        Ok(WebhookGap {
            last_webhook_at: last.map(time),
            live: live.collect::<Result<_>>()?,
        })
    }

    /// Messages that intake should have processed by now.
    pub async fn unprocessed_count(&self, now: Timestamp) -> Result<Unprocessed> {
        let query = sqlx::query(
            "SELECT COUNT(*) AS n, MIN(CASE WHEN due_at > received_at THEN due_at ELSE received_at END) AS oldest
             FROM inbox WHERE processed_at IS NULL AND due_at <= $1",
        );
        let row = query.bind(now.as_millisecond());
        let row = row.fetch_one(&self.read).await?;
        let oldest: Option<i64> = row.try_get("oldest")?;
        Ok(Unprocessed {
            count: row.try_get("n")?,
            due_since: oldest.map(time),
        })
    }
}
