//! Requests to record a room that no call is known of yet.

use jiff::Timestamp;
use sqlx::Row;

use super::{
    error::Result,
    message::MessageOutcome,
    open::Store,
    sql::{NEVER, text},
};

impl Store {
    /// Names of rooms that requests wait for, at most 100.
    pub async fn awaited_rooms(&self) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT room_name FROM inbox
             WHERE processed_at IS NULL AND room_name IS NOT NULL AND kind = 'request' LIMIT 100",
        );
        Ok(query.fetch_all(&self.read).await?)
    }

    /// Ends the requests that wait for a room, with the reason.
    pub async fn refuse_requests(
        &self,
        room_name: &str,
        outcome: MessageOutcome,
        error: &str,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE inbox SET processed_at = $1, due_at = $2, error = $3, outcome = $4
             WHERE processed_at IS NULL AND room_name = $5 AND kind = 'request'",
        )
        .bind(now.as_millisecond())
        .bind(NEVER)
        .bind(text(error))
        .bind(outcome.as_str())
        .bind(text(room_name))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Notes why requests still wait for a room, for people. The note is replaced when they are processed.
    pub async fn note_waiting(&self, room_name: &str, reason: &str) -> Result<()> {
        sqlx::query(
            "UPDATE inbox SET error = $1
             WHERE processed_at IS NULL AND room_name = $2 AND kind = 'request'",
        )
        .bind(text(reason))
        .bind(text(room_name))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Why a request still waits, if that is known.
    pub async fn waiting_reason(&self, id: &str) -> Result<Option<String>> {
        let query = sqlx::query("SELECT error FROM inbox WHERE id = $1 AND processed_at IS NULL");
        let row = query.bind(id).fetch_optional(&self.read).await?;
        Ok(row.map(|row| row.try_get("error")).transpose()?.flatten())
    }
}
