//! INBOX: everything we receive, raw, committed before it is acknowledged.

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    error::{Error, Result},
    inbox_writer,
    large_bodies::{Sizes, Turn},
    message::{self, InboxMessage, MessageOutcome, StoredMessage, read_outcome},
    new_report::ReportBody,
    open::Store,
    sql::{NEVER, chunks, rows, rows_that_fit, text},
    take_over::{is_left, left_since},
};
use crate::domain::with_blanks;

/// The outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    /// The message's id.
    pub id: String,
    /// The call that it belongs to.
    pub call_id: Option<String>,
    /// Why it was set aside, for people.
    pub error: Option<String>,
    /// `None` when it was processed by a version that did not store it.
    pub outcome: Option<MessageOutcome>,
}

impl Processed {
    /// It was applied to its call, if it has one.
    pub fn applied(id: &str, call_id: Option<String>) -> Processed {
        let outcome = match call_id {
            Some(_) => MessageOutcome::Applied,
            None => MessageOutcome::Ignored,
        };
        Processed {
            id: id.to_owned(),
            call_id,
            error: None,
            outcome: Some(outcome),
        }
    }

    /// It could not be used, and why.
    pub fn failed(id: &str, outcome: MessageOutcome, error: impl Into<String>) -> Processed {
        Processed {
            id: id.to_owned(),
            call_id: None,
            error: Some(error.into()),
            outcome: Some(outcome),
        }
    }

    /// The same for a message whose call is known.
    pub fn of_call(self, call_id: Option<String>) -> Processed {
        Processed { call_id, ..self }
    }
}

/// A message that waits for a call with this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The message's id.
    pub id: String,
    /// The room that it names.
    pub room_name: String,
    /// When it is looked at again at the latest.
    pub until: Timestamp,
    /// The body of a report: of equal ones, only the last waits.
    pub report: Option<ReportBody>,
}

impl Store {
    /// Returns once the message is on disk. One whose deduplication key is stored already changes nothing
    /// (`inbox_writer`).
    pub async fn put(&self, message: InboxMessage) -> Result<()> {
        self.inbox.put(message).await
    }

    /// How many messages are waiting to be stored at the moment.
    pub fn messages_waiting(&self) -> usize {
        self.inbox.waiting()
    }

    /// Stores many messages at once, all or nothing.
    pub async fn put_all(&self, messages: Vec<InboxMessage>) -> Result<()> {
        let mut transaction = self.write.begin().await?;
        inbox_writer::insert(&mut transaction, self.process(), messages).await?;
        Ok(transaction.commit().await?)
    }

    /// Messages that this process's intake is to process, oldest first: at most `limit`, and no more than fit into memory. Large
    /// ones are left to [`Store::unprocessed_large`]. They are read in the turn that is returned with them.
    pub async fn unprocessed(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<(Vec<StoredMessage>, Turn)> {
        self.unprocessed_of(Sizes::Others, now, limit).await
    }

    /// The oldest large message that this process's intake is to process. It waits for its turn.
    pub async fn unprocessed_large(&self, now: Timestamp) -> Result<(Vec<StoredMessage>, Turn)> {
        self.unprocessed_of(Sizes::Large, now, 1).await
    }

    async fn unprocessed_of(
        &self,
        sizes: Sizes,
        now: Timestamp,
        limit: i64,
    ) -> Result<(Vec<StoredMessage>, Turn)> {
        let mut lengths = self.unprocessed_lengths(sizes, now, limit).await?;
        let room = limit - lengths.len() as i64;
        if self.is_shared() && room > 0 && self.take_over(sizes, now, room).await? > 0 {
            lengths = self.unprocessed_lengths(sizes, now, limit).await?;
        }
        lengths.truncate(rows_that_fit(&lengths));
        let bytes = lengths
            .iter()
            .map(|length| usize::try_from(*length).unwrap_or_default());
        let turn = self.large_bodies.turn(&bytes.collect::<Vec<_>>()).await;
        if lengths.is_empty() {
            return Ok((Vec::new(), turn));
        }
        let sql = self.select_ours(message::COLUMNS, sizes);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let query = query.bind(lengths.len() as i64).bind(self.process());
        let rows = query.bind(left_since(now)).fetch_all(&self.read).await?;
        let messages: Result<_> = turn.work(|| rows.iter().map(message::read).collect());
        Ok((messages?, turn))
    }

    /// Read first, because a driver reads some rows ahead (sqlx: 50).
    async fn unprocessed_lengths(
        &self,
        sizes: Sizes,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<i64>> {
        let sql = self.select_ours("CAST(OCTET_LENGTH(body) AS BIGINT)", sizes);
        let lengths = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now.as_millisecond());
        let lengths = lengths.bind(limit).bind(self.process());
        Ok(lengths.bind(left_since(now)).fetch_all(&self.read).await?)
    }

    /// Messages of these sizes that this process (`$3`) may process.
    fn select_ours(&self, columns: &str, sizes: Sizes) -> String {
        let others = match self.is_shared() {
            // Of others', those that it has taken over are its own.
            true => "FALSE AND i.received_at <= $4".to_owned(),
            false => is_left("i.received_at <= $4"),
        };
        format!(
            "SELECT {columns} FROM inbox i WHERE i.processed_at IS NULL AND i.due_at <= $1
               AND (i.received_by = $3 OR {others}) AND {} ORDER BY id LIMIT $2",
            sizes.condition()
        )
    }

    /// The outcome of a message; `None` while it is waiting.
    pub async fn processed(&self, id: &str) -> Result<Option<Processed>> {
        let query = sqlx::query(
            "SELECT call_id, error, outcome FROM inbox WHERE id = $1 AND processed_at IS NOT NULL",
        );
        let row = query.bind(id).fetch_optional(&self.read).await?;
        row.map(|row| {
            Ok(Processed {
                id: id.to_owned(),
                call_id: row.try_get("call_id")?,
                error: row.try_get("error")?,
                outcome: read_outcome(id, &row)?,
            })
        })
        .transpose()
    }
}

/// Marks messages as processed. Guarded: one that somebody else has processed is a conflict.
pub(super) async fn mark_processed(
    connection: &mut AnyConnection,
    processed: &[Processed],
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(processed) {
        // The names that both engines give to the columns of VALUES.
        let sql = format!(
            "UPDATE inbox SET processed_at = $1, due_at = $2, call_id = COALESCE(v.column2, call_id), error = v.column3,
               outcome = v.column4
             FROM (VALUES {}) AS v WHERE inbox.id = v.column1 AND processed_at IS NULL",
            rows(chunk.len(), 3, 4, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(now.as_millisecond())
            .bind(NEVER);
        for one in chunk {
            query = query
                .bind(one.id.as_str())
                .bind(one.call_id.as_deref())
                .bind(one.error.as_deref().map(text))
                .bind(one.outcome.map(MessageOutcome::as_str));
        }
        let done = query.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

/// Puts messages off until a call of their room's name comes.
pub(super) async fn wait(
    connection: &mut AnyConnection,
    waiting: &[Waiting],
    now: Timestamp,
) -> Result<()> {
    for message in waiting {
        sqlx::query(
            "UPDATE inbox SET room_name = $1, due_at = $2 WHERE id = $3 AND processed_at IS NULL",
        )
        .bind(text(&message.room_name))
        .bind(message.until.as_millisecond())
        .bind(message.id.as_str())
        .execute(&mut *connection)
        .await?;
        if let Some(report) = &message.report {
            replace_equal(connection, message, report, now).await?;
        }
    }
    Ok(())
}

/// Drops an equal report that waits for the same room. The key for deduplication finds it.
async fn replace_equal(
    connection: &mut AnyConnection,
    message: &Waiting,
    report: &ReportBody,
    now: Timestamp,
) -> Result<()> {
    let key = report.key(&message.room_name);
    sqlx::query(
        "UPDATE inbox SET dedupe = id, outcome = CASE WHEN processed_at IS NULL THEN $1 ELSE outcome END,
           body = CASE WHEN processed_at IS NULL THEN '' ELSE body END, due_at = $2,
           processed_at = COALESCE(processed_at, $3)
         WHERE dedupe = $4 AND id <> $5",
    )
    .bind(MessageOutcome::Ignored.as_str())
    .bind(NEVER)
    .bind(now.as_millisecond())
    .bind(&key)
    .bind(message.id.as_str())
    .execute(&mut *connection)
    .await?;
    let query = sqlx::query("UPDATE inbox SET dedupe = $1 WHERE id = $2");
    let query = query.bind(key).bind(message.id.as_str());
    query.execute(connection).await?;
    Ok(())
}

/// Makes messages due that wait for a call of one of these names, or for a name that may have lost its `+`.
pub(super) async fn wake_waiting(
    connection: &mut AnyConnection,
    room_names: &[&str],
    now: Timestamp,
) -> Result<()> {
    let with_plus = room_names.iter().filter(|name| name.contains('+'));
    let blanked: Vec<String> = with_plus.map(|name| with_blanks(name)).collect();
    let blanked = blanked.iter().map(String::as_str);
    let names: Vec<&str> = room_names.iter().copied().chain(blanked).collect();
    for chunk in chunks(&names) {
        let sql = format!(
            "UPDATE inbox SET due_at = $1 WHERE processed_at IS NULL AND room_name IN {}",
            rows(1, 2, chunk.len(), "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millisecond());
        for name in chunk {
            query = query.bind(text(name));
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
