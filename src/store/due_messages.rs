//! The messages that a process's intake is to process.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::{
    error::Result,
    large_bodies::{Sizes, Turn},
    message::{self, StoredMessage},
    open::Store,
    sql::{chunks, rows, rows_that_fit},
    take_over::{is_left, left_since},
};

/// How many messages a process takes over from others at once.
const TAKEN_OVER: i64 = 256;

/// A message that is to be processed, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    /// The message's id.
    pub id: String,
    /// The sid of the room that it is about, if it says so.
    pub room_sid: Option<String>,
    /// The length of its body.
    pub bytes: i64,
}

impl DueMessage {
    /// How many of these messages, from the first on, are read into memory at once.
    pub fn how_many_fit<'a>(messages: impl Iterator<Item = &'a DueMessage>) -> usize {
        let bytes: Vec<_> = messages.map(|message| message.bytes).collect();
        rows_that_fit(&bytes).min(bytes.len())
    }
}

impl Store {
    /// The oldest messages with bodies of these sizes that this process's intake is to process: at most `limit`.
    pub async fn due_messages(
        &self,
        sizes: Sizes,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueMessage>> {
        let due = self.select_due(sizes, now, limit).await?;
        let room = limit.min(TAKEN_OVER) - due.len() as i64;
        if self.is_shared() && room > 0 && self.take_over(sizes, now, room).await? > 0 {
            return self.select_due(sizes, now, limit).await;
        }
        Ok(due)
    }

    async fn select_due(
        &self,
        sizes: Sizes,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueMessage>> {
        let sql = format!(
            "SELECT id, room_sid, CAST(OCTET_LENGTH(body) AS BIGINT) AS bytes FROM inbox i
             WHERE i.processed_at IS NULL AND {} AND {} ORDER BY id LIMIT $4",
            self.due_here(),
            sizes.condition()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let query = query.bind(self.process()).bind(left_since(now));
        let rows = query.bind(limit).fetch_all(&self.read).await?;
        let read = |row: &AnyRow| {
            Ok(DueMessage {
                id: row.try_get("id")?,
                room_sid: row.try_get("room_sid")?,
                bytes: row.try_get("bytes")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Those of these messages that this process is still to process, oldest first. They are read in the turn that is returned
    /// with them; with a large one among them, it is waited for.
    pub async fn messages(
        &self,
        due: &[DueMessage],
        now: Timestamp,
    ) -> Result<(Vec<StoredMessage>, Turn)> {
        let bytes = due.iter().map(|message| message.bytes);
        let bytes: Vec<_> = bytes.map(|it| it.try_into().unwrap_or_default()).collect();
        let turn = self.large_bodies.turn(&bytes).await;
        let mut messages = Vec::with_capacity(due.len());
        for chunk in chunks(due) {
            let ids = rows(1, 4, chunk.len(), "");
            let (columns, due_here) = (message::COLUMNS, self.due_here());
            // COALESCE, so that the index of unprocessed messages is no choice: PostgreSQL keeps a plan from when there were few
            // of them, and would look through all of a backlog for each chunk.
            let sql = format!(
                "SELECT {columns} FROM inbox i WHERE COALESCE(i.processed_at, 0) = 0 AND {due_here} AND id IN {ids}"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
            let query = query.bind(self.process()).bind(left_since(now));
            let ids = chunk.iter().map(|message| message.id.as_str());
            let query = ids.fold(query, |query, id| query.bind(id));
            let rows = query.fetch_all(&self.read).await?;
            let read: Result<Vec<_>> = turn.work(|| rows.iter().map(message::read).collect());
            messages.extend(read?);
        }
        messages.sort_by(|a, b| id_of(a).cmp(id_of(b)));
        Ok((messages, turn))
    }

    /// The condition for messages `i` that this process (`$2`) may process now (`$1`, `$3`) if nobody has.
    fn due_here(&self) -> String {
        let others = match self.is_shared() {
            // Of others', those that it has taken over are its own.
            true => "FALSE AND i.received_at <= $3".to_owned(),
            false => is_left("i.received_at <= $3"),
        };
        format!("i.due_at <= $1 AND (i.received_by = $2 OR {others})")
    }
}

/// The id of a message, whether or not this version can read the rest.
fn id_of(message: &StoredMessage) -> &str {
    match message {
        Ok(message) => &message.id,
        Err(unreadable) => &unreadable.id,
    }
}
