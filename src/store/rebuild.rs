//! The inbox and the calls as `replay` and `backfill` go through them.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::{InboxMessage, Result, Store, chunks, inbox, rows, text};

/// A message that belongs to a call, with what was wrong with it when it was folded.
#[derive(Debug, Clone)]
pub struct CallUpdate {
    pub message: InboxMessage,
    pub error: Option<String>,
}

/// What today's code says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult {
    pub id: String,
    /// Why it could not be used.
    pub error: Option<String>,
}

impl Store {
    /// Ids of calls of which something was heard since then, in their order, from behind `after` on.
    pub async fn heard_since(
        &self,
        since: Timestamp,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "SELECT id FROM calls WHERE id > $1 AND ($2 <= 0 OR EXISTS
               (SELECT 1 FROM inbox WHERE inbox.call_id = calls.id AND inbox.received_at >= $2))
             ORDER BY id LIMIT $3",
        );
        let query = query.bind(after).bind(since.as_millisecond()).bind(limit);
        Ok(query.fetch_all(&self.read).await?)
    }

    /// The messages that a call was made of, oldest first.
    pub async fn messages_of(&self, call_id: &str) -> Result<Vec<CallUpdate>> {
        let query = sqlx::query(
            "SELECT * FROM inbox WHERE call_id = $1 AND processed_at IS NOT NULL ORDER BY id",
        );
        let rows = query.bind(call_id).fetch_all(&self.read).await?;
        let read = |row| {
            let message = inbox::read(row)?;
            let error = row.try_get("error")?;
            Ok(CallUpdate { message, error })
        };
        rows.iter().map(read).collect()
    }

    /// Messages that may tell of a recording and that intake has not folded, from behind the message `after` on.
    pub async fn unfolded(&self, after: &str, limit: i64) -> Result<Vec<InboxMessage>> {
        let query = sqlx::query(
            "SELECT * FROM inbox WHERE processed_at IS NULL AND id > $1 AND kind IN ('webhook', 'egress', 'object')
             ORDER BY id LIMIT $2",
        );
        let rows = query.bind(after).bind(limit).fetch_all(&self.read).await?;
        rows.iter().map(inbox::read).collect()
    }

    /// Messages since then that belong to no call. Requests are over, and bodies that are gone say nothing.
    pub async fn count_unassigned(&self, since: Timestamp) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM inbox WHERE {UNASSIGNED} AND received_at >= $1");
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        Ok(query
            .bind(since.as_millisecond())
            .fetch_one(&self.read)
            .await?)
    }

    /// Gives those messages back to intake. How many they were.
    pub async fn reopen_unassigned(&self, since: Timestamp, now: Timestamp) -> Result<i64> {
        let sql = format!(
            "UPDATE inbox SET processed_at = NULL, error = NULL, room_name = NULL, due_at = $1
             WHERE {UNASSIGNED} AND received_at >= $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = query
            .bind(now.as_millisecond())
            .bind(since.as_millisecond());
        Ok(query.execute(&self.write).await?.rows_affected() as i64)
    }

    /// Writes what is wrong with messages by today's code.
    pub async fn record_errors(&self, read_results: &[ReadResult]) -> Result<()> {
        for chunk in chunks(read_results) {
            let sql = format!(
                "UPDATE inbox SET error = v.column2 FROM (VALUES {}) AS v WHERE inbox.id = v.column1",
                rows(chunk.len(), 1, 2, "")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for ReadResult { id, error } in chunk {
                query = query.bind(id.as_str()).bind(error.as_deref().map(text));
            }
            query.execute(&self.write).await?;
        }
        Ok(())
    }

    /// Puts many messages at once, all or nothing.
    pub async fn put_all(&self, messages: Vec<InboxMessage>) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        inbox::insert(&mut transaction, messages).await?;
        Ok(transaction.commit().await?)
    }
}

const UNASSIGNED: &str =
    "processed_at IS NOT NULL AND call_id IS NULL AND kind <> 'request' AND body <> ''";
