//! Retention: what was delivered long ago is purged from the database, and nothing changes in Airtable.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::{
    domain::{Policy, Sink, policy::RecordOn},
    pipeline::{Job, Wake, intake::Intake, retention::Retention},
    store::{InboxMessage, MessageKind, Store},
};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Executor};

use crate::{
    harness::{World, move_clock, moved},
    sqlite,
};

const DAY: i64 = 86_400;

async fn database(path: &Path) -> AnyConnection {
    sqlite::connection(&path.join("calls.db")).await
}

async fn execute(path: &Path, sql: String) {
    let mut database = database(path).await;
    database
        .execute(sqlx::query(AssertSqlSafe(sql)))
        .await
        .unwrap();
}

async fn count(path: &Path, sql: &str) -> i64 {
    let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
    query.fetch_one(&mut database(path).await).await.unwrap()
}

async fn becomes(path: &Path, sql: &str, wanted: i64) {
    for _ in 0..1000 {
        if count(path, sql).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{sql} is {}, not {wanted}", count(path, sql).await);
}

async fn messages_of(world: &World, call: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM inbox WHERE call_id = '{call}'");
    count(world.folder.path(), &sql).await
}

async fn words(world: &World, call: &str) -> (u16, String) {
    let answer = world.get(&format!("/v1/calls/{call}/transcript.txt")).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A call with words, delivered.
async fn spoken(world: &World, room: &str) -> String {
    let (call, _) = world.talk(room).await;
    let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room(room);
    let there = |row: &serde_json::Map<String, Value>| {
        row["Status"] == "Complete"
            && row.contains_key("Transcript")
            && row.contains_key("Recording URL")
    };
    world.row_where(&call, there).await;
    call
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn transcripts_and_messages_go_a_month_after_delivery_and_rows_stay_as_they_are() {
    let mut world = World::new().await;
    world.restart_on(moved::<5>).await;
    let (old, due_deliveries) = (spoken(&world, "old").await, spoken(&world, "owed").await);
    let folder = world.folder.path().to_owned();
    let open = "SELECT COUNT(*) FROM deliveries WHERE state <> 'done'";
    becomes(&folder, open, 0).await;
    world.stop().await;
    execute(&folder, format!("UPDATE deliveries SET state = 'dead', due_at = {} WHERE sink = 'airtable' AND call_id = '{due_deliveries}'", i64::MAX)).await;
    world.start().await;
    // The day of its delivery is noted.
    let noted =
        format!("SELECT COUNT(*) FROM calls WHERE id = '{old}' AND complete_at IS NOT NULL");
    becomes(&folder, &noted, 1).await;
    let before = world.row(&old).await.unwrap();
    world.stop().await;
    move_clock::<5>(29 * DAY);
    world.start().await;
    let renewed = world
        .row_where(&old, |row| {
            row["Recording URL expires"] != before["Recording URL expires"]
        })
        .await;
    assert_eq!(words(&world, &old).await, (200, "Agent: Hello.".into()));
    assert!(messages_of(&world, &old).await > 5);
    world.stop().await;
    move_clock::<5>(2 * DAY);
    world.start().await;
    let mut last = (0, String::new());
    for _ in 0..500 {
        last = words(&world, &old).await;
        if last.0 == 404 && messages_of(&world, &old).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(last.0 == 404 && last.1.contains("KEEP"), "{last:?}");
    assert_eq!(messages_of(&world, &old).await, 0);
    assert_eq!(
        world.row(&old).await.unwrap(),
        renewed,
        "the row was left alone"
    );
    // Calls with pending deliveries are kept.
    assert_eq!(
        words(&world, &due_deliveries).await,
        (200, "Agent: Hello.".into())
    );
    assert!(messages_of(&world, &due_deliveries).await > 5);
    // Rewritten completely, the purged call's row keeps its transcript.
    world.stop().await;
    let again = "UPDATE deliveries SET state = 'pending', due_at = 0, delivered = 0, memo = '{}' WHERE sink = 'airtable'";
    execute(&folder, again.into()).await;
    let requests = world.airtable.requests();
    world.start().await;
    let done = "SELECT COUNT(*) FROM deliveries WHERE sink = 'airtable' AND state = 'done'";
    becomes(&folder, done, 2).await;
    assert!(world.airtable.requests() > requests, "it was sent");
    for call in [&old, &due_deliveries] {
        let row = world.row(call).await.unwrap();
        assert_eq!(
            (&row["Transcript"], &row["Status"]),
            (&"Agent: Hello.".into(), &"Complete".into())
        );
    }
    // A late event is folded into the rest of the call.
    world.livekit.lose_webhooks(true);
    let report = json!({"room_id": old, "turns": [{"speaker": "agent", "text": "News."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world
        .row_where(&old, |row| row["Transcript"] == "Agent: News.")
        .await;
    assert_eq!(
        count(
            &folder,
            "SELECT COUNT(*) FROM inbox WHERE error IS NOT NULL"
        )
        .await,
        0
    );
}

/// A call's webhooks as LiveKit sent them, with ids of their own, and its words.
fn messages(call: &str, at: Timestamp) -> Vec<InboxMessage> {
    let mut files: Vec<_> = std::fs::read_dir("tests/fixtures/livekit-captured")
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // With an end after which no object is checked.
        name.starts_with("00") || name.starts_with("aborted") || name.ends_with("finished.json")
    });
    files.sort();
    let mut all = Vec::new();
    for (n, path) in files.iter().enumerate() {
        let mut event: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        if let Some(info) = event.get_mut("egressInfo") {
            info["egressId"] = format!("EG_{call}").into();
            info["roomId"] = call.into();
        } else {
            event["room"]["sid"] = call.into();
        }
        let text = event.to_string();
        let mut message = message(MessageKind::Webhook, text, at, n);
        message.dedupe = Some(format!("{call}-{n}"));
        all.push(message);
    }
    let turn = json!({"speaker": "caller", "text": "Well, about that order of mine, you know, the one from last week. ".repeat(3)});
    let report = json!({"room": {}, "body": {"room_id": call, "turns": vec![turn; 60]}});
    all.push(message(MessageKind::Report, report.to_string(), at, 98));
    all
}

/// Ids begin with the time of a clock that is not the machine's.
fn message(kind: MessageKind, body: String, at: Timestamp, n: usize) -> InboxMessage {
    let millis = format!("{:012x}", at.as_millisecond());
    let own = InboxMessage::new(kind, body, at);
    let id = format!(
        "{}-{}-7{n:03x}{}",
        &millis[..8],
        &millis[8..],
        &own.id[18..]
    );
    InboxMessage { id, ..own }
}

/// How much disk a database takes after so many days.
struct Life {
    bytes: u64,
    messages: i64,
    slowest: Duration,
}

async fn live(days: i64, calls: i64, keep: i64) -> Life {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("calls.db").display());
    let store = Store::open(&url, livekit_airtable::telemetry::now())
        .await
        .unwrap();
    let intake = Intake {
        store: store.clone(),
        policy: Policy::new(RecordOn::Manual, &[]).unwrap(),
        sinks: vec![Sink::Airtable],
        listed: Default::default(),
        wake: std::sync::Arc::new(Wake::default()),
    };
    let keeper = Retention::new(
        store.clone(),
        Duration::from_secs((keep * DAY).unsigned_abs()),
    );
    let mut slowest = Duration::ZERO;
    let mut now = Timestamp::from_second(1_800_000_000).unwrap();
    for day in 0..days {
        now += SignedDuration::from_secs(DAY);
        let ids = (0..calls).map(|n| format!("RM_{day}x{n}"));
        let messages: Vec<InboxMessage> = ids.flat_map(|id| messages(&id, now)).collect();
        let put = messages.into_iter().map(|message| store.put(message));
        for done in futures_util::future::join_all(put).await {
            done.unwrap();
        }
        while intake.step(now).await.unwrap() {}
        let delivered = format!(
            "UPDATE deliveries SET state = 'done', delivered = revision, due_at = {}",
            i64::MAX
        );
        execute(folder.path(), format!("{delivered} WHERE state <> 'done'")).await;
        loop {
            let begun = Instant::now();
            let more = keeper.step(now).await.unwrap();
            slowest = slowest.max(begun.elapsed());
            if !more {
                break;
            }
        }
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    let life = Life {
        messages: count(folder.path(), "SELECT COUNT(*) FROM inbox").await,
        bytes: size("calls.db") + size("calls.db-wal"),
        slowest,
    };
    let mut database = database(folder.path()).await;
    let checked: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(checked, "ok");
    store.close().await;
    life
}

/// With TEST_LONG a year of a hundred calls a day, else two months of five.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_stays_small() {
    let long = std::env::var_os("TEST_LONG").is_some();
    let (days, calls, keep) = if long { (365, 100, 30) } else { (60, 5, 10) };
    let begun = Instant::now();
    let life = live(days, calls, keep).await;
    println!(
        "{days} days of {calls} calls, KEEP={keep}d: {:.1} MB, {} messages, the writer held for {:?} at most, in {:?}",
        life.bytes as f64 / 1e6,
        life.messages,
        life.slowest,
        begun.elapsed()
    );
    // The data that is kept completely, and at most 8 KiB for each call ever made.
    let kept = u64::try_from(keep + 2).unwrap() * calls.unsigned_abs() * 80_000;
    let all = (days * calls).unsigned_abs() * 8192;
    assert!(life.bytes < kept + all + (8 << 20), "{} bytes", life.bytes);
    assert!(
        life.messages <= (keep + 1) * calls * 17,
        "{} messages",
        life.messages
    );
}
