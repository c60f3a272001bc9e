//! The queries of `replay` and `backfill` on the inbox and the calls.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    error::Result,
    in_memory::InMemory,
    message::{self, InboxMessage, MessageOutcome, StoredMessage},
    open::Store,
    sql::{chunks, rows, rows_that_fit, text},
};

/// A message that belongs to a call, with what was wrong with it when it was processed.
#[derive(Debug, Clone)]
pub struct ProcessedMessage {
    /// As it was stored.
    pub message: StoredMessage,
    /// Why it could not be processed.
    pub error: Option<String>,
}

/// The current code's verdict on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult {
    /// The message's id.
    pub id: String,
    /// Why it could not be processed.
    pub error: Option<String>,
}

/// Messages that belong to no call. Requests are over, and bodies that were purged say nothing.
const UNASSIGNED: &str =
    "processed_at IS NOT NULL AND call_id IS NULL AND kind <> 'request' AND body <> ''";

/// How many messages are read at once.
const MESSAGES: i64 = 256;

impl ProcessedMessage {
    /// The message's id.
    pub fn id(&self) -> &str {
        match &self.message {
            Ok(message) => &message.id,
            Err(unreadable) => &unreadable.id,
        }
    }
}

impl Store {
    /// Ids of calls of which a message was received since then, in their order, starting after `after`.
    pub async fn calls_with_messages_since(
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

    /// The next messages that a call was built from, oldest first, from behind the message `after` on: no more than fit into
    /// memory. None: there are no more.
    pub async fn messages_of(
        &self,
        call_id: &str,
        after: &str,
    ) -> Result<(Vec<ProcessedMessage>, InMemory)> {
        let of_call = "call_id = $1 AND processed_at IS NOT NULL AND id > $2 ORDER BY id LIMIT $3";
        let sql = format!("SELECT CAST(OCTET_LENGTH(body) AS BIGINT) FROM inbox WHERE {of_call}");
        let sizes = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql));
        let sizes = sizes.bind(call_id).bind(after).bind(MESSAGES);
        let sizes = sizes.fetch_all(&self.read).await?;
        let count = rows_that_fit(&sizes);
        let bytes: i64 = sizes.iter().take(count).sum();
        let in_memory = self.in_memory(bytes.unsigned_abs()).await;
        let sql = format!(
            "SELECT {}, error FROM inbox WHERE {of_call}",
            message::COLUMNS
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(call_id).bind(after);
        let rows = query.bind(count as i64).fetch_all(&self.read).await?;
        let read = |row: &AnyRow| {
            let message = message::read(row)?;
            let error = row.try_get("error")?;
            Ok(ProcessedMessage { message, error })
        };
        let messages: Result<Vec<_>> = rows.iter().map(read).collect();
        Ok((messages?, in_memory))
    }

    /// Messages that may be about a recording and that intake has not processed, from behind the message `after` on.
    /// Those that this version cannot read are left out.
    pub async fn unfolded(&self, after: &str, limit: i64) -> Result<Vec<InboxMessage>> {
        let sql = format!(
            "SELECT {} FROM inbox WHERE processed_at IS NULL AND id > $1 AND kind IN ('webhook', 'egress', 'object')
             ORDER BY id LIMIT $2",
            message::COLUMNS
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let rows = query.bind(after).bind(limit).fetch_all(&self.read).await?;
        let messages: Vec<StoredMessage> = rows.iter().map(message::read).collect::<Result<_>>()?;
        Ok(messages.into_iter().filter_map(StoredMessage::ok).collect())
    }

    /// How many messages since then belong to no call.
    pub async fn count_unassigned(&self, since: Timestamp) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM inbox WHERE {UNASSIGNED} AND received_at >= $1");
        let query = sqlx::query_scalar(AssertSqlSafe(sql));
        Ok(query
            .bind(since.as_millisecond())
            .fetch_one(&self.read)
            .await?)
    }

    /// Returns these messages to intake; returns how many.
    pub async fn reopen_unassigned(&self, since: Timestamp, now: Timestamp) -> Result<i64> {
        let sql = format!(
            "UPDATE inbox SET processed_at = NULL, error = NULL, outcome = NULL, room_name = NULL, due_at = $1
             WHERE {UNASSIGNED} AND received_at >= $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = query
            .bind(now.as_millisecond())
            .bind(since.as_millisecond());
        Ok(query.execute(&self.write).await?.rows_affected() as i64)
    }

    /// Writes what is wrong with messages of calls by today's code.
    pub async fn record_errors(&self, read_results: &[ReadResult]) -> Result<()> {
        for chunk in chunks(read_results) {
            let sql = format!(
                "UPDATE inbox SET error = v.column2, outcome = v.column3 FROM (VALUES {}) AS v WHERE inbox.id = v.column1",
                rows(chunk.len(), 1, 3, "")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for ReadResult { id, error } in chunk {
                let outcome = match error {
                    Some(_) => MessageOutcome::SetAside,
                    None => MessageOutcome::Applied,
                };
                query = query
                    .bind(id.as_str())
                    .bind(error.as_deref().map(text))
                    .bind(outcome.as_str());
            }
            query.execute(&self.write).await?;
        }
        Ok(())
    }
}
