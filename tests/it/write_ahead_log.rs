//! SQLite's write-ahead log is moved into the database while messages come in, and becomes short again.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use livekit_airtable::{
    store::{InboxMessage, MessageKind, Store},
    telemetry,
};
use sqlx::Executor;
use tempfile::TempDir;

use crate::{harness::PATIENCE, sqlite::connection};

/// Bytes of each message.
const BYTES: usize = 4000;
const MIB: u64 = 1 << 20;

/// A new database, and the folder that ends with it.
struct Database {
    store: Store,
    file: PathBuf,
    _folder: TempDir,
}

impl Database {
    async fn new() -> Database {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.db");
        let url = format!("sqlite:{}", file.display());
        let store = Store::open(&url, telemetry::now()).await.unwrap();
        Database {
            store,
            file,
            _folder: folder,
        }
    }

    async fn put(&self, messages: usize) {
        let putting = (0..messages).map(|n| {
            let body = format!("{n:0>BYTES$}");
            let message = InboxMessage::new(MessageKind::Webhook, body, telemetry::now());
            self.store.put(message)
        });
        futures_util::future::try_join_all(putting).await.unwrap();
    }

    fn log(&self) -> u64 {
        size(&self.file.with_extension("db-wal"))
    }
}

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_moved_beside_the_writer() {
    // Less than the log may hold before the writer itself moves it.
    const MESSAGES: usize = 6000;
    let database = Database::new().await;
    database.put(MESSAGES).await;
    let asked = Instant::now();
    while size(&database.file) < (MESSAGES * BYTES / 2) as u64 {
        assert!(asked.elapsed() < PATIENCE, "the log is not moved");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = database.log();
    assert!(log < 64 * MIB, "{log} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_became_long_becomes_short_again() {
    let database = Database::new().await;
    let mut reader = connection(&database.file).await;
    reader.execute("BEGIN").await.unwrap();
    reader.fetch_all("SELECT id FROM inbox").await.unwrap();
    while database.log() <= 128 * MIB {
        database.put(1000).await;
    }
    reader.execute("ROLLBACK").await.unwrap();
    let asked = Instant::now();
    while database.log() > 64 * MIB {
        assert!(asked.elapsed() < PATIENCE, "{} bytes", database.log());
        database.put(1000).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_has_small_pages() {
    let database = Database::new().await;
    let size = sqlx::query_scalar::<_, i64>("PRAGMA page_size");
    let size = size.fetch_one(&mut connection(&database.file).await).await;
    assert_eq!(size.unwrap(), 1024);
}
