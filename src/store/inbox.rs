//! INBOX: everything others told us, raw, committed before it is acknowledged.

mod writer;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Error, NEVER, Result, Store, chunks, rows, text, time};
pub(super) use writer::{Writer, insert};

/// Bytes of bodies that one scan holds in memory, or those of one message.
const SCAN_BYTES: i64 = 8 << 20;

/// How a message's body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A LiveKit webhook, verified.
    Webhook,
    /// What an agent sent.
    Report,
    /// A start or stop that somebody asked for.
    Request,
    /// An EgressInfo from LiveKit's API.
    Egress,
    /// A room from LiveKit's API.
    Room,
    /// A ParticipantInfo from LiveKit's API, with its room.
    Participant,
    /// What a sink or reconcile found out.
    Observation,
    /// An object of the bucket that `backfill` found.
    Object,
}

impl MessageKind {
    const ALL: [(MessageKind, &'static str); 8] = [
        (MessageKind::Webhook, "webhook"),
        (MessageKind::Report, "report"),
        (MessageKind::Request, "request"),
        (MessageKind::Egress, "egress"),
        (MessageKind::Room, "room"),
        (MessageKind::Participant, "participant"),
        (MessageKind::Observation, "finding"),
        (MessageKind::Object, "object"),
    ];

    fn as_str(self) -> &'static str {
        let name = MessageKind::ALL.iter().find(|(kind, _)| *kind == self);
        name.map_or("webhook", |(_, name)| name)
    }
}

#[derive(Debug, Clone)]
pub struct InboxMessage {
    /// Time-ordered, and so the order in which messages are folded.
    pub id: String,
    pub kind: MessageKind,
    /// What makes two messages one.
    pub dedupe: Option<String>,
    pub call_id: Option<String>,
    /// The API key whose signature of a webhook was good.
    pub signed_by: Option<String>,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

impl InboxMessage {
    pub fn new(kind: MessageKind, body: impl Into<Vec<u8>>, now: Timestamp) -> InboxMessage {
        InboxMessage {
            id: Uuid::now_v7().to_string(),
            kind,
            dedupe: None,
            call_id: None,
            signed_by: None,
            body: body.into(),
            received_at: now,
        }
    }

    pub fn of_call(self, call_id: &str) -> InboxMessage {
        InboxMessage {
            call_id: Some(call_id.to_owned()),
            ..self
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    pub id: String,
    pub call_id: Option<String>,
    /// Why it was set aside.
    pub error: Option<String>,
}

/// A message that waits for a call of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub id: String,
    pub room_name: String,
    pub until: Timestamp,
}

impl Store {
    /// Returns once the message is on disk.
    pub async fn put(&self, message: InboxMessage) -> Result<()> {
        let (ack, done) = oneshot::channel();
        self.inbox
            .queue
            .send((message, ack))
            .await
            .map_err(|_| Error::Closed)?;
        let outcome = done.await.map_err(|_| Error::Closed)?;
        outcome.map_err(Error::NotWritten)
    }

    /// Messages that intake has not folded, oldest first: at most `limit`, and no more than memory is meant for.
    pub async fn unprocessed(&self, now: Timestamp, limit: i64) -> Result<Vec<InboxMessage>> {
        // Asked first, for a driver reads some rows ahead of what it is asked for (sqlx: 50).
        let sizes = sqlx::query_scalar(
            "SELECT CAST(OCTET_LENGTH(body) AS BIGINT) FROM inbox
             WHERE processed_at IS NULL AND due_at <= $1 ORDER BY id LIMIT $2",
        );
        let sizes = sizes.bind(now.as_millisecond()).bind(limit);
        let sizes = sizes.fetch_all(&self.read).await?;
        if sizes.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query(
            "SELECT id, kind, call_id, signed_by, encoding, body, received_at FROM inbox
             WHERE processed_at IS NULL AND due_at <= $1 ORDER BY id LIMIT $2",
        );
        let query = query
            .bind(now.as_millisecond())
            .bind(fitting(&sizes) as i64);
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(read).collect()
    }

    /// What became of a message; `None` while it waits.
    pub async fn processed(&self, id: &str) -> Result<Option<Processed>> {
        let query = sqlx::query(
            "SELECT call_id, error FROM inbox WHERE id = $1 AND processed_at IS NOT NULL",
        );
        let row = query.bind(id).fetch_optional(&self.read).await?;
        row.map(|row| {
            Ok(Processed {
                id: id.to_owned(),
                call_id: row.try_get("call_id")?,
                error: row.try_get("error")?,
            })
        })
        .transpose()
    }

    /// Room names that requests wait for.
    pub async fn awaited_rooms(&self) -> Result<Vec<String>> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT room_name FROM inbox
             WHERE processed_at IS NULL AND room_name IS NOT NULL AND kind = 'request' LIMIT 100",
        );
        Ok(query.fetch_all(&self.read).await?)
    }

    /// Requests for a room that LiveKit does not know are over.
    pub async fn refuse_requests(
        &self,
        room_name: &str,
        error: &str,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE inbox SET processed_at = $1, due_at = $2, error = $3
             WHERE processed_at IS NULL AND room_name = $4 AND kind = 'request'",
        )
        .bind(now.as_millisecond())
        .bind(NEVER)
        .bind(error)
        .bind(text(room_name))
        .execute(&self.write)
        .await?;
        Ok(())
    }
}

/// How many of what has these sizes is held at once; one always is.
pub(super) fn fitting(sizes: &[i64]) -> usize {
    let mut bytes = 0;
    let fits = |size: &&i64| {
        bytes += **size;
        bytes <= SCAN_BYTES
    };
    let fitting = sizes.iter().take_while(fits).count();
    fitting.max(1)
}

/// Marks messages as read. Guarded: a message that somebody else has read is a conflict.
pub(super) async fn mark_processed(
    connection: &mut AnyConnection,
    processed: &[Processed],
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(processed) {
        // Both engines call the columns of VALUES so.
        let sql = format!(
            "UPDATE inbox SET processed_at = $1, due_at = $2, call_id = COALESCE(v.column2, call_id), error = v.column3
             FROM (VALUES {}) AS v WHERE inbox.id = v.column1 AND processed_at IS NULL",
            rows(chunk.len(), 3, 3, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(now.as_millisecond())
            .bind(NEVER);
        for message in chunk {
            query = query
                .bind(message.id.as_str())
                .bind(message.call_id.as_deref())
                .bind(message.error.as_deref().map(text));
        }
        let done = query.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

pub(super) async fn wait(connection: &mut AnyConnection, waiting: &[Waiting]) -> Result<()> {
    for message in waiting {
        sqlx::query(
            "UPDATE inbox SET room_name = $1, due_at = $2 WHERE id = $3 AND processed_at IS NULL",
        )
        .bind(text(&message.room_name))
        .bind(message.until.as_millisecond())
        .bind(message.id.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Messages that waited for a call of one of these names are looked at again.
pub(super) async fn wake_waiting(
    connection: &mut AnyConnection,
    room_names: &[&str],
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(room_names) {
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

pub(super) fn read(row: &AnyRow) -> Result<InboxMessage> {
    let body: String = row.try_get("body")?;
    let encoding: String = row.try_get("encoding")?;
    let kind: String = row.try_get("kind")?;
    let known = MessageKind::ALL.iter().find(|(_, name)| *name == kind);
    Ok(InboxMessage {
        id: row.try_get("id")?,
        kind: known.map_or(MessageKind::Webhook, |(kind, _)| *kind),
        dedupe: None,
        call_id: row.try_get("call_id")?,
        signed_by: row.try_get("signed_by")?,
        body: match encoding.as_str() {
            "base64" => STANDARD.decode(&body).unwrap_or_default(),
            _ => body.into_bytes(),
        },
        received_at: time(row.try_get("received_at")?),
    })
}
