//! INBOX: everything we receive, raw, committed before it is acknowledged.

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{
    engine::Engine,
    error::{Error, Result},
    inbox_writer,
    message::{InboxMessage, MessageOutcome, read_outcome},
    new_report::ReportBody,
    open::Store,
    sql::{NEVER, chunks, rows, text},
};
use crate::domain::with_blanks;

/// The outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    /// The message's id.
    pub id: String,
    /// The call that it belongs to; of one that intake has just processed, unless it is stored with it.
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

    /// The same for a message that is stored with this call.
    pub fn stored_with(self, known: Option<&str>) -> Processed {
        let call_id = self.call_id.filter(|id| known != Some(id));
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
    engine: Engine,
    processed: &[Processed],
    now: Timestamp,
) -> Result<()> {
    // All at once where others write, too: rows are locked in one order everywhere. Observations are stored with their call.
    let names_call = |one: &&Processed| one.call_id.is_some() || !engine.rewrites_indexes();
    let (of_calls, others): (Vec<_>, Vec<_>) = processed.iter().partition(names_call);
    mark(connection, (&of_calls, OF_CALL), now).await?;
    mark(connection, (&others, ""), now).await
}

/// Notes the call of a message that is not stored with it.
const OF_CALL: &str = "call_id = COALESCE(v.column2, call_id),";

async fn mark(
    connection: &mut AnyConnection,
    (processed, call): (&[&Processed], &str),
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(processed) {
        // The names that both engines give to the columns of VALUES.
        let sql = format!(
            "UPDATE inbox SET processed_at = $1, due_at = $2, {call} error = v.column3, outcome = v.column4
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
