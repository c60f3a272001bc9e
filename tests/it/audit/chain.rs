//! The chain of lines: several writers make one chain, a change of any line shows, and retention leaves a chain.

use std::{path::Path, time::Duration};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::audit::{Actor, AuditAction, AuditEntry, AuditSubject, Repeats},
    pipeline::{Job, audit::AuditUpkeep},
    store::{AuditCheck, AuditFilter, Store},
    telemetry::now,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use crate::{process::run, real::postgres::fresh_database};

fn entry(n: usize, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        who: Actor::Token(format!("token-{n}")),
        action: AuditAction::ReadWords,
        subject: AuditSubject {
            call_id: Some(format!("RM_{n}")),
            ..AuditSubject::default()
        },
        client: "203.0.113.1".into(),
        status: 200,
        detail: String::new(),
        repeats: Repeats::Each(format!("{n} {at}")),
    }
}

fn sqlite(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("calls.db").display())
}

async fn execute(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let sql = AssertSqlSafe(sql.to_owned());
    connection.execute(sqlx::query(sql)).await.unwrap();
}

async fn writers_make_one_chain(url: &str) {
    let stores = [
        Store::open(url, now()).await.unwrap(),
        Store::open(url, now()).await.unwrap(),
    ];
    let writing = (0..100).map(|n| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move {
            let entries = [entry(n, now()), entry(n + 1000, now())];
            while store.append_audit(&entries).await.is_err() {}
        })
    });
    for written in join_all(writing).await {
        written.unwrap();
    }
    let check = stores[0].verify_audit().await.unwrap();
    assert_eq!(
        check,
        AuditCheck::Unbroken {
            first: 1,
            last: 200
        }
    );
    // The same entry again is no new line.
    let again = entry(7, Timestamp::UNIX_EPOCH);
    assert_eq!(
        stores[0]
            .append_audit(std::slice::from_ref(&again))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        stores[1]
            .append_audit(&[again.clone(), again])
            .await
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writers_make_one_chain() {
    writers_make_one_chain(&sqlite(&tempfile::tempdir().unwrap())).await;
    let folder = tempfile::tempdir().unwrap();
    writers_make_one_chain(&sqlite(&folder)).await;
    writers_make_one_chain(&fresh_database().await).await;
}

async fn a_change_shows(url: &str, folder: &Path) {
    let settings = [("DATABASE_URL".to_owned(), url.to_owned())];
    let verify = async || run(folder, &["audit", "--verify"], &settings).await;
    let store = Store::open(url, now()).await.unwrap();
    let entries: Vec<AuditEntry> = (0..10).map(|n| entry(n, now())).collect();
    store.append_audit(&entries).await.unwrap();
    assert_eq!(verify().await.code, Some(0));
    execute(url, "CREATE TABLE saved AS SELECT * FROM audit").await;
    let columns = [
        "happened_at = happened_at + 1",
        "who = 'token:other'",
        "action = 'listen'",
        "call_id = NULL",
        "egress_id = 'EG_1'",
        "configuration = ''",
        "client = ''",
        "status = 404",
        "requests = 2",
        "detail = 'x'",
        "line_key = 'x'",
        "hash = 'x'",
    ];
    let updates = columns.map(|column| (format!("UPDATE audit SET {column} WHERE number = 4"), 4));
    let others = [
        ("UPDATE audit SET previous = 'x' WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 6", 6),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 10", 10),
        ("DELETE FROM audit WHERE number > 3", 4),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET number = 99 WHERE number = 8", 8),
    ];
    let others = others.map(|(sql, number)| (sql.to_owned(), number));
    for (sql, number) in updates.into_iter().chain(others) {
        execute(url, &sql).await;
        let done = verify().await;
        assert_eq!(done.code, Some(1), "{sql}: {done:?}");
        let expected = format!("broken at line {number}:");
        assert!(done.stderr.contains(&expected), "{sql}: {}", done.stderr);
        execute(url, "DELETE FROM audit").await;
        execute(url, "INSERT INTO audit SELECT * FROM saved").await;
        assert_eq!(verify().await.code, Some(0), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_any_line_shows() {
    let folder = tempfile::tempdir().unwrap();
    a_change_shows(&sqlite(&folder), folder.path()).await;
    a_change_shows(&fresh_database().await, folder.path()).await;
}

/// A line like the last one, at another place.
fn planted(number: &str) -> String {
    format!(
        "INSERT INTO audit SELECT {number}, happened_at, who, action, call_id, egress_id, configuration, client, status,
         requests, detail, 'planted', previous, hash FROM audit WHERE number = 10"
    )
}

async fn an_inserted_line_shows(url: &str, folder: &Path) {
    let settings = [("DATABASE_URL".to_owned(), url.to_owned())];
    let verify = async || run(folder, &["audit", "--verify"], &settings).await;
    let store = Store::open(url, now()).await.unwrap();
    let entries: Vec<AuditEntry> = (0..10).map(|n| entry(n, now())).collect();
    store.append_audit(&entries).await.unwrap();
    for number in ["11", "100", "9223372036854775807", "0", "-7"] {
        execute(url, &planted(number)).await;
        let done = verify().await;
        assert_eq!(done.code, Some(1), "{number}: {done:?}");
        assert!(
            done.stderr.contains("before the first or after the last"),
            "{done:?}"
        );
        execute(url, "DELETE FROM audit WHERE line_key = 'planted'").await;
        assert_eq!(verify().await.code, Some(0), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_beyond_the_ends_shows() {
    let folder = tempfile::tempdir().unwrap();
    an_inserted_line_shows(&sqlite(&folder), folder.path()).await;
    an_inserted_line_shows(&fresh_database().await, folder.path()).await;
}

/// SQLite stores any value in any column.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_type_shows() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder);
    let settings = [("DATABASE_URL".to_owned(), url.clone())];
    let store = Store::open(&url, now()).await.unwrap();
    let entries: Vec<AuditEntry> = (0..3).map(|n| entry(n, now())).collect();
    store.append_audit(&entries).await.unwrap();
    for column in ["status = 'x'", "requests = 1.5", "who = x'ff'"] {
        execute(&url, &format!("UPDATE audit SET {column} WHERE number = 2")).await;
        let done = run(folder.path(), &["audit", "--verify"], &settings).await;
        assert_eq!(done.code, Some(1), "{column}: {done:?}");
        assert!(done.stderr.contains("broken at line 2:"), "{done:?}");
    }
}

async fn retention_leaves_a_chain(url: &str) {
    let store = Store::open(url, now()).await.unwrap();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let day = |n: i64| start + SignedDuration::from_hours(24 * n);
    let keep = Duration::from_secs(5 * 86_400);
    let upkeep = AuditUpkeep::new(store.clone(), keep);
    let purge = async |now| while upkeep.step(now).await.unwrap() {};
    let check = async || store.verify_audit().await.unwrap();
    let entries: Vec<AuditEntry> = (0..2500).map(|n| entry(n, day(n as i64 / 250))).collect();
    for entries in entries.chunks(100) {
        store.append_audit(entries).await.unwrap();
    }
    purge(day(4)).await;
    assert_eq!(
        check().await,
        AuditCheck::Unbroken {
            first: 1,
            last: 2500
        }
    );
    purge(day(12)).await;
    assert_eq!(
        check().await,
        AuditCheck::Unbroken {
            first: 2001,
            last: 2500
        }
    );
    let kept = store
        .audit_after(&AuditFilter::default(), 0, 1000)
        .await
        .unwrap();
    assert_eq!(
        (kept.len(), kept[0].number, kept[0].at),
        (500, Some(2001), day(8))
    );
    store.append_audit(&[entry(1, day(12))]).await.unwrap();
    purge(day(30)).await;
    assert_eq!(
        check().await,
        AuditCheck::Unbroken {
            first: 2502,
            last: 2501
        }
    );
    store.append_audit(&[entry(1, day(30))]).await.unwrap();
    assert_eq!(
        check().await,
        AuditCheck::Unbroken {
            first: 2502,
            last: 2502
        }
    );
    execute(url, "DELETE FROM audit").await;
    assert!(matches!(
        check().await,
        AuditCheck::Broken { number: 2502, .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_cuts_from_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    retention_leaves_a_chain(&sqlite(&folder)).await;
    retention_leaves_a_chain(&fresh_database().await).await;
}
