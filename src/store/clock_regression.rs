//! A clock that moved back: what had been put off until a time would wait until the clock has caught up.

use jiff::{SignedDuration, Timestamp};

use super::{
    error::Result,
    open::Store,
    settings::Setting,
    sql::{NEVER, time},
};

/// How far two readings of correct clocks may differ.
const SLACK: SignedDuration = SignedDuration::from_secs(30);

impl Store {
    /// The clock's time when it was last noted.
    pub async fn noted_clock(&self) -> Result<Option<Timestamp>> {
        let noted = self.get(Setting::NotedClock).await?;
        Ok(noted.and_then(|millis| millis.parse().ok()).map(time))
    }

    /// Notes the clock's time, for the next process.
    pub async fn note_clock(&self, now: Timestamp) -> Result<()> {
        self.set(Setting::NotedClock, &now.as_millisecond().to_string())
            .await
    }

    /// When the clock says less than it did before, everything scheduled moves back by the difference, which is
    /// returned.
    pub async fn set_back(
        &self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Option<SignedDuration>> {
        let back = before.duration_since(now);
        if back <= SLACK {
            return Ok(None);
        }
        self.move_back(back, now).await?;
        Ok(Some(back))
    }

    async fn move_back(&self, by: SignedDuration, now: Timestamp) -> Result<()> {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let mut transaction = self.write.begin().await?;
        for sql in [
            "UPDATE deliveries SET due_at = due_at - $1 WHERE due_at > $2 AND due_at < $3",
            "UPDATE inbox SET due_at = due_at - $1 WHERE processed_at IS NULL AND due_at > $2 AND due_at < $3",
            "UPDATE alignments SET due_at = due_at - $1 WHERE due_at > $2 AND due_at < $3",
            "UPDATE closures SET probe_at = probe_at - $1 WHERE probe_at > $2 AND probe_at < $3",
            "UPDATE bases SET turn_at = turn_at - $1 WHERE turn_at > $2 AND turn_at < $3",
            "UPDATE bases SET lowered_at = lowered_at - $1 WHERE lowered_at > $2 AND lowered_at < $3",
        ] {
            sqlx::query(sql)
                .bind(millis)
                .bind(now.as_millisecond())
                .bind(NEVER)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
