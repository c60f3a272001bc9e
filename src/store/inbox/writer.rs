//! How letters come into the inbox: many at once, in one transaction.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};
use tokio::sync::{mpsc, oneshot};

use super::{Letter, chunks, rows, text};
use crate::store::{outage::Outage, reason};

/// Rows that one transaction takes at most; more wait for the next, a few milliseconds later.
const GROUP: usize = 256;
/// New letters are due whatever the clock says, now or after it is set back.
const AT_ONCE: i64 = 0;

type Ack = oneshot::Sender<std::result::Result<(), String>>;

/// Group commit: takes what waits, writes it in one transaction, then answers all.
#[derive(Clone)]
pub struct Writer {
    pub(super) queue: mpsc::Sender<(Letter, Ack)>,
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
                let letters = batch.len();
                let writing = tokio::time::timeout(patience, write(&pool, batch)).await;
                let outcome = writing
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map_err(|error| reason(&error));
                outage.record(&outcome, letters);
                for ack in acks {
                    // The asker may have gone; its letter is kept all the same.
                    ack.send(outcome.clone()).ok();
                }
            }
        });
        Writer { queue }
    }
}

async fn write(pool: &AnyPool, letters: Vec<Letter>) -> std::result::Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    insert(&mut transaction, letters).await?;
    transaction.commit().await
}

/// Takes the letters, and so their bodies, which may be large.
pub async fn insert(
    connection: &mut AnyConnection,
    mut letters: Vec<Letter>,
) -> std::result::Result<(), sqlx::Error> {
    let sizes: Vec<usize> = chunks(&letters).map(<[Letter]>::len).collect();
    for size in sizes {
        let rest = letters.split_off(size);
        insert_chunk(connection, letters).await?;
        letters = rest;
    }
    Ok(())
}

async fn insert_chunk(
    connection: &mut AnyConnection,
    chunk: Vec<Letter>,
) -> std::result::Result<(), sqlx::Error> {
    let sql = format!(
        "INSERT INTO inbox (id, kind, dedupe, call_id, signed_by, encoding, body, received_at, due_at) VALUES {}
         ON CONFLICT (dedupe) DO NOTHING",
        rows(chunk.len(), 1, 9, "")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for letter in chunk {
        let (encoding, body) = encode(letter.body);
        query = query
            .bind(letter.id.clone())
            .bind(letter.kind.as_str())
            .bind(letter.dedupe.unwrap_or(letter.id))
            .bind(letter.call_id)
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
fn encode(body: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(body) {
        Ok(text) if !text.contains('\0') => ("text", text),
        Ok(text) => ("base64", STANDARD.encode(text)),
        Err(bytes) => ("base64", STANDARD.encode(bytes.as_bytes())),
    }
}
