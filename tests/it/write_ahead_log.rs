//! SQLite's write-ahead log is moved into the database while messages come in.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use livekit_airtable::{
    store::{InboxMessage, MessageKind, Store},
    telemetry,
};

use crate::harness::PATIENCE;

/// Bytes of each message, and how many there are: less than the log may hold before the writer itself moves it.
const BYTES: usize = 4000;
const MESSAGES: usize = 6000;

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_moved_beside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.db");
    let url = format!("sqlite:{}", file.display());
    let store = Store::open(&url, telemetry::now()).await.unwrap();
    let putting = (0..MESSAGES).map(|n| {
        let body = format!("{n:0>BYTES$}");
        store.put(InboxMessage::new(
            MessageKind::Webhook,
            body,
            telemetry::now(),
        ))
    });
    futures_util::future::try_join_all(putting).await.unwrap();
    let asked = Instant::now();
    while size(&file) < (MESSAGES * BYTES / 2) as u64 {
        assert!(asked.elapsed() < PATIENCE, "the log is not moved");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = size(&folder.path().join("calls.db-wal"));
    assert!(log < (64 << 20), "{log} bytes");
}
