//! INBOX: everything others told us, raw, committed before it is acknowledged.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row, any::AnyRow};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Error, NEVER, Result, Store, chunks, outage::Outage, rows, text, time};

/// Rows that one transaction takes at most; more wait for the next, a few milliseconds later.
const GROUP: usize = 256;
/// New letters are due whatever the clock says, now or after it is set back.
const AT_ONCE: i64 = 0;
/// Bytes of bodies that one scan holds in memory.
const SCAN_BYTES: usize = 8 << 20;

/// How a letter's body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    Finding,
    /// An object of the bucket that `backfill` found.
    Object,
}

impl Kind {
    const ALL: [(Kind, &'static str); 8] = [
        (Kind::Webhook, "webhook"),
        (Kind::Report, "report"),
        (Kind::Request, "request"),
        (Kind::Egress, "egress"),
        (Kind::Room, "room"),
        (Kind::Participant, "participant"),
        (Kind::Finding, "finding"),
        (Kind::Object, "object"),
    ];

    fn as_str(self) -> &'static str {
        let name = Kind::ALL.iter().find(|(kind, _)| *kind == self);
        name.map_or("webhook", |(_, name)| name)
    }
}

#[derive(Debug, Clone)]
pub struct Letter {
    /// Time-ordered, and so the order in which letters are folded.
    pub id: String,
    pub kind: Kind,
    /// What makes two letters one.
    pub dedupe: Option<String>,
    pub call_id: Option<String>,
    /// The API key whose signature of a webhook was good.
    pub signed_by: Option<String>,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

impl Letter {
    pub fn new(kind: Kind, body: impl Into<Vec<u8>>, now: Timestamp) -> Letter {
        Letter {
            id: Uuid::now_v7().to_string(),
            kind,
            dedupe: None,
            call_id: None,
            signed_by: None,
            body: body.into(),
            received_at: now,
        }
    }

    pub fn of_call(self, call_id: &str) -> Letter {
        Letter {
            call_id: Some(call_id.to_owned()),
            ..self
        }
    }
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub id: String,
    pub call_id: Option<String>,
    /// Why it was set aside.
    pub error: Option<String>,
}

/// A letter that waits for a call of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub id: String,
    pub room_name: String,
    pub until: Timestamp,
}

type Ack = oneshot::Sender<std::result::Result<(), String>>;

/// Group commit: takes what waits, writes it in one transaction, then answers all.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<(Letter, Ack)>,
}

impl Writer {
    /// `patience`: how long a transaction may take.
    pub fn start(pool: AnyPool, patience: Duration) -> Writer {
        let (queue, mut letters) = mpsc::channel::<(Letter, Ack)>(4 * GROUP);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            let mut outage = Outage::default();
            while letters.recv_many(&mut group, GROUP).await > 0 {
                let (mut batch, acks): (Vec<Letter>, Vec<Ack>) = group.drain(..).unzip();
                // In one order everywhere: two replicas that are told the same events at once would lock each other out.
                batch.sort_by(|a, b| a.dedupe.cmp(&b.dedupe));
                let writing = tokio::time::timeout(patience, write(&pool, &batch)).await;
                let outcome = writing
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(|error| super::reason(&error));
                outage.tell(&outcome, batch.len());
                for ack in acks {
                    // The asker may have gone; its letter is kept all the same.
                    ack.send(outcome.clone()).ok();
                }
            }
        });
        Writer { queue }
    }
}

async fn write(pool: &AnyPool, letters: &[Letter]) -> std::result::Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    insert(&mut transaction, letters).await?;
    transaction.commit().await
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    letters: &[Letter],
) -> std::result::Result<(), sqlx::Error> {
    for chunk in chunks(letters) {
        insert_chunk(connection, chunk).await?;
    }
    Ok(())
}

async fn insert_chunk(
    connection: &mut AnyConnection,
    chunk: &[Letter],
) -> std::result::Result<(), sqlx::Error> {
    let sql = format!(
        "INSERT INTO inbox (id, kind, dedupe, call_id, signed_by, encoding, body, received_at, due_at) VALUES {}
         ON CONFLICT (dedupe) DO NOTHING",
        rows(chunk.len(), 1, 9, "")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for letter in chunk {
        let (encoding, body) = encode(&letter.body);
        query = query
            .bind(letter.id.clone())
            .bind(letter.kind.as_str())
            .bind(letter.dedupe.clone().unwrap_or_else(|| letter.id.clone()))
            .bind(letter.call_id.clone())
            .bind(letter.signed_by.as_deref().map(text))
            .bind(encoding)
            .bind(body)
            .bind(letter.received_at.as_millisecond())
            .bind(AT_ONCE);
    }
    query.execute(connection).await?;
    Ok(())
}

/// Text as it is; what is no text, or has a NUL that PostgreSQL refuses, as base64.
fn encode(body: &[u8]) -> (&'static str, String) {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => ("text", text.to_owned()),
        _ => ("base64", STANDARD.encode(body)),
    }
}

impl Store {
    /// Returns once the letter is on disk.
    pub async fn put(&self, letter: Letter) -> Result<()> {
        let (ack, done) = oneshot::channel();
        self.inbox
            .queue
            .send((letter, ack))
            .await
            .map_err(|_| Error::Closed)?;
        let outcome = done.await.map_err(|_| Error::Closed)?;
        outcome.map_err(Error::Unwritten)
    }

    /// Letters that intake has not folded, oldest first.
    pub async fn unread(&self, now: Timestamp, limit: i64) -> Result<Vec<Letter>> {
        let query = sqlx::query(
            "SELECT id, kind, call_id, signed_by, encoding, body, received_at FROM inbox
             WHERE processed_at IS NULL AND due_at <= $1 ORDER BY id LIMIT $2",
        );
        let mut rows = query
            .bind(now.as_millisecond())
            .bind(limit)
            .fetch(&self.read);
        let (mut letters, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let letter = read(&row)?;
            bytes += letter.body.len();
            letters.push(letter);
            if bytes > SCAN_BYTES {
                break;
            }
        }
        Ok(letters)
    }

    /// What became of a letter; `None` while it waits.
    pub async fn settled(&self, id: &str) -> Result<Option<Settled>> {
        let query = sqlx::query(
            "SELECT call_id, error FROM inbox WHERE id = $1 AND processed_at IS NOT NULL",
        );
        let row = query.bind(id).fetch_optional(&self.read).await?;
        row.map(|row| {
            Ok(Settled {
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

/// Marks letters as read. Guarded: a letter that somebody else has read is a conflict.
pub(super) async fn settle(
    connection: &mut AnyConnection,
    settled: &[Settled],
    now: Timestamp,
) -> Result<()> {
    for chunk in chunks(settled) {
        // Both engines call the columns of VALUES so.
        let sql = format!(
            "UPDATE inbox SET processed_at = $1, due_at = $2, call_id = COALESCE(v.column2, call_id), error = v.column3
             FROM (VALUES {}) AS v WHERE inbox.id = v.column1 AND processed_at IS NULL",
            rows(chunk.len(), 3, 3, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(now.as_millisecond())
            .bind(NEVER);
        for letter in chunk {
            query = query
                .bind(letter.id.as_str())
                .bind(letter.call_id.as_deref())
                .bind(letter.error.as_deref().map(text));
        }
        let done = query.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

pub(super) async fn wait(connection: &mut AnyConnection, waiting: &[Waiting]) -> Result<()> {
    for letter in waiting {
        sqlx::query(
            "UPDATE inbox SET room_name = $1, due_at = $2 WHERE id = $3 AND processed_at IS NULL",
        )
        .bind(text(&letter.room_name))
        .bind(letter.until.as_millisecond())
        .bind(letter.id.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Letters that waited for a call of one of these names are looked at again.
pub(super) async fn awaken(
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

pub(super) fn read(row: &AnyRow) -> Result<Letter> {
    let body: String = row.try_get("body")?;
    let encoding: String = row.try_get("encoding")?;
    let kind: String = row.try_get("kind")?;
    let known = Kind::ALL.iter().find(|(_, name)| *name == kind);
    Ok(Letter {
        id: row.try_get("id")?,
        kind: known.map_or(Kind::Webhook, |(kind, _)| *kind),
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
