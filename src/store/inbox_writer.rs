//! How messages get into the inbox: many at once, in one transaction.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};
use tokio::sync::{mpsc, oneshot};

use super::{
    checkpoint::Checkpoint,
    error::{Error, Result, reason},
    message::{InboxMessage, encode},
    outage::Outage,
    sql::{rows, text, wide_chunks},
};
use crate::{domain::Standing, telemetry::Watchdog};

/// Maximum rows per transaction; further ones wait for the next, a few milliseconds later.
const GROUP: usize = 256;
/// New messages are due whatever the clock says, now or after it was set back.
pub(super) const AT_ONCE: i64 = 0;
/// The writer's name in the watchdog.
const LOOP: &str = "inbox writer";
/// How long a message of an undecided key rests.
const UNDECIDED: SignedDuration = SignedDuration::from_mins(1);

type Ack = oneshot::Sender<std::result::Result<(), String>>;

/// Group commit: takes everything that is waiting, writes it in one transaction, then answers all callers.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<(InboxMessage, Ack)>,
    /// How many messages are waiting to be stored.
    waiting: Arc<AtomicUsize>,
}

/// A message that is waiting.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Writer {
    /// `timeout`: how long a transaction may take. The writer's loop feeds the watchdog. `checkpoint`: on SQLite.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when the last sender is dropped"
    )]
    pub(super) fn start(
        pool: AnyPool,
        process: Arc<str>,
        timeout: Duration,
        watchdog: Watchdog,
        checkpoint: Option<Checkpoint>,
    ) -> Writer {
        let (queue, mut messages) = mpsc::channel::<(InboxMessage, Ack)>(4 * GROUP);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            let mut outage = Outage::default();
            while watchdog
                .watch(LOOP, messages.recv_many(&mut group, GROUP))
                .await
                > 0
            {
                let (mut batch, acks): (Vec<InboxMessage>, Vec<Ack>) = group.drain(..).unzip();
                // In one order everywhere: two replicas that get the same events at once would lock each other out.
                batch.sort_by(|a, b| a.dedupe.cmp(&b.dedupe));
                let messages = batch.len();
                let writing = tokio::time::timeout(timeout, write(&pool, &process, batch));
                let written = watchdog.watch(LOOP, writing).await;
                let outcome = written
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(|error| reason(&error));
                outage.record(&outcome, messages);
                if let Some(checkpoint) = &checkpoint {
                    checkpoint.note(messages);
                }
                for ack in acks {
                    // The sender may have gone; its message is kept all the same.
                    ack.send(outcome.clone()).ok();
                }
            }
        });
        Writer {
            queue,
            waiting: Arc::default(),
        }
    }

    /// How many messages are waiting to be stored.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Returns once the message is on disk.
    pub(super) async fn put(&self, message: InboxMessage) -> Result<()> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        let (ack, done) = oneshot::channel();
        let queued = self.queue.send((message, ack)).await;
        queued.map_err(|_| Error::Closed)?;
        let outcome = done.await.map_err(|_| Error::Closed)?;
        outcome.map_err(Error::NotWritten)
    }
}

async fn write(
    pool: &AnyPool,
    process: &str,
    messages: Vec<InboxMessage>,
) -> std::result::Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    insert(&mut transaction, process, messages).await?;
    transaction.commit().await
}

/// Takes the messages with their bodies, which may be large. `process` is the one that stores them.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    process: &str,
    mut messages: Vec<InboxMessage>,
) -> std::result::Result<(), sqlx::Error> {
    let sizes: Vec<usize> = wide_chunks(&messages).map(<[InboxMessage]>::len).collect();
    for size in sizes {
        let rest = messages.split_off(size);
        insert_chunk(connection, process, messages).await?;
        messages = rest;
    }
    Ok(())
}

/// A message of an undecided key is due when the key is decided; for a version that decides nothing, a little later.
fn due_at(message: &InboxMessage) -> i64 {
    match message.standing {
        Some(Standing::Undecided(_)) => (message.received_at + UNDECIDED).as_millisecond(),
        _ => AT_ONCE,
    }
}

async fn insert_chunk(
    connection: &mut AnyConnection,
    process: &str,
    chunk: Vec<InboxMessage>,
) -> std::result::Result<(), sqlx::Error> {
    let sql = format!(
        "INSERT INTO inbox (id, kind, dedupe, call_id, signed_by, project, encoding, body, received_at, due_at, received_by, room_sid) VALUES {}
         ON CONFLICT (dedupe) DO NOTHING",
        rows(chunk.len(), 1, 12, "")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for message in chunk {
        let due_at = due_at(&message);
        let (encoding, body) = encode(message.body);
        query = query
            .bind(message.id.clone())
            .bind(message.kind.as_str())
            .bind(message.dedupe.unwrap_or(message.id))
            .bind(message.call_id)
            .bind(message.signed_by.as_deref().map(text))
            .bind(message.standing.map(|standing| standing.to_string()))
            .bind(encoding)
            .bind(body)
            .bind(message.received_at.as_millisecond())
            .bind(due_at)
            .bind(process)
            .bind(message.room_sid.as_deref().map(text));
    }
    query.execute(connection).await?;
    Ok(())
}
