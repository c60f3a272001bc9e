//! Moves SQLite's write-ahead log into the database beside the writer. By default the writer itself does so whenever the log
//! has 1,000 pages, and every webhook waits for it meanwhile; pages that change often are then moved many times.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};
use tokio::sync::mpsc;

use super::{
    engine::{BUSY_TIMEOUT, page_size},
    error::Result,
};

/// Messages after which the log is moved.
const MESSAGES: usize = 1024;
/// The shortest time between two moves.
const REST: Duration = Duration::from_secs(2);
/// Bytes of pages in a log that starts over: the writer waits for the last of them.
const LONG: i64 = 96 << 20;
/// How long the writer waits for somebody who is reading the log, in milliseconds.
const WAIT: u32 = 10;

/// Counts what is written. Clones share it; the task ends with the last one.
#[derive(Clone)]
pub(super) struct Checkpoint {
    messages: Arc<AtomicUsize>,
    due: mpsc::Sender<()>,
}

impl Checkpoint {
    /// Of the database that these pools write and read.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends when the last sender is dropped, or the pool is closed"
    )]
    pub(super) fn start(writer: AnyPool, readers: AnyPool) -> Checkpoint {
        let (due, mut wanted) = mpsc::channel(1);
        tokio::spawn(async move {
            while wanted.recv().await.is_some() && !readers.is_closed() {
                // The writer does it later if it is not possible now.
                if let Err(error) = move_log(&writer, &readers).await {
                    tracing::debug!(%error, "the write-ahead log could not be moved");
                }
                tokio::time::sleep(REST).await;
            }
        });
        Checkpoint {
            messages: Arc::default(),
            due,
        }
    }

    /// So many messages were written.
    pub(super) fn note(&self, messages: usize) {
        let before = self.messages.fetch_add(messages, Ordering::Relaxed);
        if before + messages >= MESSAGES && self.due.try_send(()).is_ok() {
            self.messages.store(0, Ordering::Relaxed);
        }
    }
}

/// Nobody waits for it. A log that became long meanwhile starts over, with the connection that writes: what is left of the log by
/// then is little, and nobody adds to it. Readers may be in the way; then it is tried again the next time.
async fn move_log(writer: &AnyPool, readers: &AnyPool) -> Result<()> {
    let mut connection = readers.acquire().await?;
    let pages = checkpoint(&mut connection, "PASSIVE").await?;
    let bytes = pages * page_size(&mut connection).await?;
    drop(connection);
    if bytes >= LONG {
        let mut connection = writer.acquire().await?;
        wait_at_most(&mut connection, WAIT).await?;
        let restarted = checkpoint(&mut connection, "RESTART").await;
        wait_at_most(&mut connection, BUSY_TIMEOUT).await?;
        restarted?;
    }
    Ok(())
}

/// Milliseconds that this connection waits for others.
async fn wait_at_most(connection: &mut AnyConnection, limit: u32) -> Result<()> {
    let sql = format!("PRAGMA busy_timeout = {limit}");
    let query = sqlx::raw_sql(AssertSqlSafe(sql));
    query.execute(connection).await?;
    Ok(())
}

/// How many pages the log has.
async fn checkpoint(connection: &mut AnyConnection, mode: &'static str) -> Result<i64> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let query = sqlx::query(AssertSqlSafe(sql));
    Ok(query.fetch_one(connection).await?.try_get(1)?)
}
