//! A full disk or a locked database: senders are asked to retry, the service logs it once, and recovers by itself.

use std::{ops::Range, path::Path, process::Command, time::Duration};

use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};

use crate::{
    harness::World,
    process::{Serve, run},
    signed_webhooks, sqlite,
};

/// A world whose service is a process of its own.
async fn apart() -> (World, Serve) {
    apart_with(|_| Vec::new()).await
}

/// The same, with more in its environment.
pub(crate) async fn apart_with(more: impl Fn(&Path) -> Vec<(String, String)>) -> (World, Serve) {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.stop().await;
    let settings = [world.settings(), &more(world.folder.path())].concat();
    let serve = Serve::start(world.folder.path(), &settings).await;
    world.is_served_at(&serve.address);
    (world, serve)
}

async fn open(world: &World) -> AnyConnection {
    sqlite::connection(&world.folder.path().join("calls.db")).await
}

async fn is_sound(world: &World) {
    let mut database = open(world).await;
    let checked = sqlx::query_scalar("PRAGMA integrity_check");
    let checked: String = checked.fetch_one(&mut database).await.unwrap();
    assert_eq!(checked, "ok");
}

fn webhook(n: usize) -> Vec<u8> {
    let room = json!({"sid": format!("RM_full{n}"), "name": format!("full-{n}")});
    let event = json!({"event": "room_started", "id": format!("EV_full{n}"), "room": room});
    event.to_string().into_bytes()
}

pub(crate) async fn hook(world: &World, n: usize) -> reqwest::Response {
    let body = webhook(n);
    signed_webhooks::send_as(world, Some(signed_webhooks::signature(&body)), body).await
}

pub(crate) fn lines(serve: &Serve, text: &str) -> usize {
    serve
        .said()
        .lines()
        .filter(|line| line.contains(text))
        .count()
}

pub(crate) fn asks_to_retry(answer: &reqwest::Response) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "7");
}

/// Asks until it is answered so.
pub(crate) async fn until(world: &World, path: &str, status: u16) -> String {
    for _ in 0..300 {
        let answer = world.get(path).await;
        if answer.status().as_u16() == status {
            return answer.text().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} never answered {status}");
}

/// After its one outage it takes what it had turned away, and the rows of twenty calls are there.
pub(crate) async fn goes_on(world: World, mut serve: Serve, turned_away: Range<usize>) {
    until(&world, "/readyz", 200).await;
    for n in turned_away {
        assert_eq!(hook(&world, n).await.status(), 200);
    }
    for n in 0..20 {
        world.row_where(&format!("RM_full{n}"), |_| true).await;
    }
    let said = serve.said();
    assert_eq!(lines(&serve, "requests are answered 503"), 1, "{said}");
    assert_eq!(lines(&serve, "can be written again"), 1, "{said}");
    assert_eq!(serve.stop().await, Some(0));
    is_sound(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_has_locked_is_waited_for() {
    let (world, serve) = apart().await;
    let call = world.livekit.open_room("before");
    world.row_is(&call, "Live").await;
    let mut other = open(&world).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let many = (0..20).map(|n| hook(&world, n));
    let report = json!({"room_id": call, "turns": []});
    let (hooks, transcript) = tokio::join!(
        futures_util::future::join_all(many),
        world.post("/v1/transcripts", &report),
    );
    hooks.iter().chain([&transcript]).for_each(asks_to_retry);
    let red = until(&world, "/readyz", 503).await;
    assert!(red.contains("not writable: "), "{red}");
    assert_eq!(world.get("/healthz").await.status(), 200);
    other.execute("ROLLBACK").await.unwrap();
    goes_on(world, serve, 0..20).await;
}

/// The largest file that the process may write, in bytes. SQLite meets this like a disk that is full or broken: a write
/// fails.
pub(crate) fn limit(serve: &Serve, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let pid = serve.pid().to_string();
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(set.expect("prlimit of util-linux is needed").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_loses_nothing_that_was_taken() {
    let (world, mut serve) = apart().await;
    let (call, _) = world.talk("before").await;
    let size = |name: &str| {
        std::fs::metadata(world.folder.path().join(name))
            .unwrap()
            .len()
    };
    let room = 300_000 + size("calls.db").max(size("calls.db-wal"));
    limit(&serve, &room.to_string());
    let long = "a word or two ".repeat(5000);
    let (mut taken, mut refused) = (0, 0);
    for n in 0..100 {
        let turns = json!([{"speaker": "agent", "text": format!("{n} {long}")}]);
        let answer = world
            .post("/v1/transcripts", &json!({"room_id": call, "turns": turns}))
            .await;
        match answer.status().as_u16() {
            202 => taken += 1,
            _ => {
                asks_to_retry(&answer);
                refused += 1;
            }
        }
    }
    assert!(
        taken > 0 && refused > 50,
        "{taken} taken, {refused} refused"
    );
    let memory = serve.resident_bytes() >> 20;
    assert!(memory < 160, "{memory} MiB");
    // Something small may find a last place.
    let mut small = 1000;
    while hook(&world, small).await.status() == 200 {
        small += 1;
        assert!(small < 2000, "there is room for ever more");
    }
    asks_to_retry(&hook(&world, small).await);
    let red = until(&world, "/readyz", 503).await;
    assert!(red.contains("not writable: "), "{red}");
    // Room is made.
    limit(&serve, "unlimited");
    until(&world, "/readyz", 200).await;
    assert_eq!(hook(&world, 0).await.status(), 200);
    world.row_is("RM_full0", "Live").await;
    world.livekit.close_room("before");
    let row = world.row_is(&call, "Complete").await;
    let words = row["Transcript"].as_str().unwrap();
    assert!(
        words.starts_with(&format!("Agent: {} a word", taken - 1)),
        "{words:.40}"
    );
    let reports = signed_webhooks::inbox(&world, "report").await;
    assert_eq!(reports.len(), taken, "each that was taken, and no other");
    let said = serve.said();
    // Something small that found a place between two refusals ends one outage and lets the next begin.
    let outages = lines(&serve, "requests are answered 503");
    assert!((1..5).contains(&outages), "{said}");
    assert_eq!(lines(&serve, "can be written again"), outages, "{said}");
    assert_eq!(serve.stop().await, Some(0));
    is_sound(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_only_be_read_is_reported_at_the_start() {
    let mut world = World::new().await;
    world.stop().await;
    let mut settings = world.settings().to_vec();
    let database = settings.iter_mut().find(|(name, _)| name == "DATABASE_URL");
    database.unwrap().1 += "?mode=ro";
    let done = run(world.folder.path(), &["serve"], &settings).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("DATABASE_URL"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_version_is_reported_at_the_start_and_left_alone() {
    let mut world = World::new().await;
    world.stop().await;
    let settings = world.settings().to_vec();
    let database = settings.iter().find(|(name, _)| name == "DATABASE_URL");
    // As a version without migrations leaves it.
    sqlx::any::install_default_drivers();
    let mut database = AnyConnection::connect(&database.unwrap().1).await.unwrap();
    let other = "DROP TABLE migrations; UPDATE settings SET value = '0123456789abcdef' WHERE name = 'tables'";
    sqlx::raw_sql(other).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    for command in [["serve"].as_slice(), &["calls", "list"]] {
        let done = run(world.folder.path(), command, &settings).await;
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stderr.contains("another version"), "{done:?}");
    }
}
