//! What became of a message that something outside the database belongs to.

use sqlx::Row;

use super::{error::Result, open::Store};

/// What became of an inbox message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// There is no such message: it was never stored, or was deleted after KEEP.
    Missing,
    /// It is to be processed.
    Waiting,
    /// It was processed and belongs to no call.
    OfNoCall,
    /// It is part of this call.
    OfCall(String),
}

impl Store {
    /// What became of the message with this id.
    pub async fn message_state(&self, id: &str) -> Result<MessageState> {
        let query = sqlx::query(
            "SELECT call_id, CAST(CASE WHEN processed_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS is_processed,
               CAST(CASE WHEN error IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_failed
             FROM inbox WHERE id = $1",
        );
        let Some(row) = query.bind(id).fetch_optional(&self.read).await? else {
            return Ok(MessageState::Missing);
        };
        if row.try_get::<i64, _>("is_processed")? == 0 {
            return Ok(MessageState::Waiting);
        }
        let call: Option<String> = row.try_get("call_id")?;
        let call = call.filter(|id| !id.is_empty());
        let has_failed = row.try_get::<i64, _>("has_failed")? == 1;
        Ok(match call.filter(|_| !has_failed) {
            Some(id) => MessageState::OfCall(id),
            None => MessageState::OfNoCall,
        })
    }
}
