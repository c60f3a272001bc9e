//! PAUSED SINKS: nothing is sent to them until a probe gets through.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    delivery,
    error::Result,
    open::Store,
    sql::{quoted, text, time},
    unknown::UnknownValue,
};
use crate::domain::Sink;

const COLUMNS: &str = "SELECT sink, error, since, probe_at FROM closures";

/// Failed deliveries that are read to find one that is the sink's fault.
const FAILURES: i64 = 20;

/// A sink to which nothing is sent until an error is fixed.
#[derive(Debug, Clone)]
pub struct PausedSink {
    /// Which one.
    pub sink: Sink,
    /// The error to be fixed, for people.
    pub error: String,
    /// When it was paused.
    pub since: Timestamp,
    /// When the next delivery is sent as a probe.
    pub probe_at: Timestamp,
}

impl Store {
    /// Pauses a sink, or says why it stays paused; one delivery is tried at `probe_at`.
    pub async fn pause_sink(
        &self,
        sink: Sink,
        error: &str,
        probe_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO closures (sink, error, since, probe_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (sink) DO UPDATE SET error = excluded.error, probe_at = excluded.probe_at",
        )
        .bind(sink.as_str())
        .bind(text(error))
        .bind(now.as_millisecond())
        .bind(probe_at.as_millisecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The sink works again: what was parked is due.
    pub async fn resume_sink(&self, sink: Sink, now: Timestamp) -> Result<()> {
        let name = sink.as_str();
        let mut transaction = self.write.begin().await?;
        sqlx::query("DELETE FROM closures WHERE sink = $1")
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE deliveries SET state = 'pending', due_at = $1, attempts = 0 WHERE sink = $2 AND state = 'parked'")
            .bind(now.as_millisecond())
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Makes the probe of a paused sink due at once: after a restart or a redrive.
    pub async fn probe_now(&self, sink: Sink, now: Timestamp) -> Result<()> {
        sqlx::query("UPDATE closures SET probe_at = $1 WHERE sink = $2 AND probe_at > $1")
            .bind(now.as_millisecond())
            .bind(sink.as_str())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Every paused sink. One that this version does not have is ignored.
    pub async fn paused_sinks(&self) -> Result<Vec<PausedSink>> {
        let sinks = quoted(Sink::ALL.into_iter().map(Sink::as_str));
        let sql = format!("{COLUMNS} WHERE sink IN ({sinks}) ORDER BY sink");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.read);
        rows.await?.iter().map(read).collect()
    }

    /// Why nothing gets through to this sink: it is paused, or of the deliveries that have been due longest one failed because
    /// of it. `None`: it works, or has nothing to do.
    pub async fn failing_sink(&self, sink: Sink) -> Result<Option<String>> {
        if let Some(paused) = self.paused_sink(sink).await? {
            return Ok(Some(paused.error));
        }
        let sql = format!(
            "SELECT {} FROM deliveries d WHERE d.sink = $1 AND d.state = 'pending' AND d.attempts > 0 ORDER BY d.due_at LIMIT $2",
            delivery::COLUMNS
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
        for row in query.bind(FAILURES).fetch_all(&self.read).await? {
            let failed = delivery::read(&row)?;
            if failed.blames_sink() {
                return Ok(failed.last_error);
            }
        }
        Ok(None)
    }

    /// Why this sink is paused; `None`: it is not.
    pub async fn paused_sink(&self, sink: Sink) -> Result<Option<PausedSink>> {
        let sql = format!("{COLUMNS} WHERE sink = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(sink.as_str());
        let row = query.fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<PausedSink> {
    let sink: &str = row.try_get("sink")?;
    let known = sink.parse();
    let sink = known.map_err(|_| UnknownValue::name("a paused sink".to_owned(), "name", sink))?;
    Ok(PausedSink {
        sink,
        error: row.try_get("error")?,
        since: time(row.try_get("since")?),
        probe_at: time(row.try_get("probe_at")?),
    })
}
