//! Sinks that are closed: nothing is sent to them until a probe gets through.

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{Result, Store, sink_name, text, time};
use crate::domain::Sink;

#[derive(Debug, Clone)]
pub struct PausedSink {
    pub sink: String,
    pub error: String,
    pub since: Timestamp,
    /// When one delivery is tried.
    pub probe_at: Timestamp,
}

impl Store {
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
        .bind(sink_name(sink))
        .bind(text(error))
        .bind(now.as_millisecond())
        .bind(probe_at.as_millisecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The sink works: what was parked is due.
    pub async fn resume_sink(&self, sink: Sink, now: Timestamp) -> Result<()> {
        let name = sink_name(sink);
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

    /// A closed sink is tried at once: after a restart or a redrive.
    pub async fn probe_now(&self, sink: Sink, now: Timestamp) -> Result<()> {
        sqlx::query("UPDATE closures SET probe_at = $1 WHERE sink = $2 AND probe_at > $1")
            .bind(now.as_millisecond())
            .bind(sink_name(sink))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    pub async fn paused_sinks(&self) -> Result<Vec<PausedSink>> {
        let rows = sqlx::query("SELECT * FROM closures ORDER BY sink");
        let rows = rows.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    pub async fn paused_sink(&self, sink: Sink) -> Result<Option<PausedSink>> {
        let row = sqlx::query("SELECT * FROM closures WHERE sink = $1").bind(sink_name(sink));
        let row = row.fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<PausedSink> {
    Ok(PausedSink {
        sink: row.try_get("sink")?,
        error: row.try_get("error")?,
        since: time(row.try_get("since")?),
        probe_at: time(row.try_get("probe_at")?),
    })
}
