//! Alerts: each condition is reported once when it starts and once when it is resolved.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use livekit_airtable::store::{Setting, Store};
use livekit_airtable_sim::{airtable::Fault, livekit::StartFault};
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};

use crate::{
    harness::{PATIENCE, World, eventually, move_clock, moved},
    mirror::Receiver,
    real::postgres::fresh_database,
};

const HOUR: i64 = 3600;

/// A world that alerts, on a clock that can be moved.
async fn watched(
    clock: fn() -> jiff::Timestamp,
    answers: &[(u16, &'static str)],
) -> (World, Receiver) {
    watched_on(clock, answers, &[]).await
}

async fn watched_on(
    clock: fn() -> jiff::Timestamp,
    answers: &[(u16, &'static str)],
    more: &[(&str, &str)],
) -> (World, Receiver) {
    let (receiver, url) = Receiver::start(answers).await;
    let url = format!("{url}?key=secret-of-the-hook");
    let settings = [
        ("ALERT_WEBHOOK_URL", url.as_str()),
        ("RECONCILE_INTERVAL", "1s"),
    ];
    let mut world = World::with(&[&settings, more].concat()).await;
    world.restart_on(clock).await;
    (world, receiver)
}

fn texts(receiver: &Receiver) -> Vec<String> {
    let came = receiver.came();
    let text = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        body["text"].as_str().unwrap().to_owned()
    };
    came.iter().map(|(_, body)| text(body)).collect()
}

async fn gauge(world: &World, name: &str) -> String {
    let text = world.get("/metrics").await.text().await.unwrap();
    let line = text.lines().find(|line| line.starts_with(name));
    line.unwrap_or("nothing").to_owned()
}

/// Waits until a gauge has a value.
async fn gauge_is(world: &World, name: &str, value: i64) {
    let wanted = format!("{name} {value}");
    for _ in 0..1000 {
        if gauge(world, name).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} never was {wanted}", gauge(world, name).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait_are_reported_once_across_a_restart_and_so_is_their_end() {
    let (mut world, receiver) = watched(moved::<0>, &[(500, "no"), (302, "")]).await;
    world
        .airtable
        .fail_next(25, Fault::Status(500, "{}".into()));
    let calls: Vec<String> = (0..5)
        .map(|n| world.livekit.open_room(&format!("desk-{n}")))
        .collect();
    let pending = "livekit_airtable_deliveries{sink=\"airtable\",state=\"pending\"}";
    gauge_is(&world, pending, 5).await;
    assert_eq!(texts(&receiver), [""; 0], "nothing is wrong yet");
    move_clock::<0>(11 * 60);
    // Refused, redirected (which is not followed), taken.
    receiver.hears(3).await;
    world.stop().await;
    world.start().await;
    let all_there = || {
        move_clock::<0>(76);
        calls
            .iter()
            .all(|call| world.glance(call).is_some())
            .then_some(())
    };
    assert!(eventually(all_there).await.is_some());
    gauge_is(&world, "livekit_airtable_oldest_waiting_seconds", 0).await;
    move_clock::<0>(61);
    receiver.hears(4).await;
    let reported = texts(&receiver);
    assert_eq!((&reported[0], &reported[1]), (&reported[2], &reported[2]));
    let begins = "livekit-airtable: 5 calls wait for Airtable, the oldest for 11 min.";
    assert!(
        reported[2].starts_with(begins) && reported[2].ends_with(", …)"),
        "{reported:#?}"
    );
    assert!(
        reported[3].starts_with("livekit-airtable: Resolved after "),
        "{reported:#?}"
    );
    assert!(
        reported[3].ends_with(": calls waited for Airtable."),
        "{reported:#?}"
    );
    assert_eq!(reported.len(), 4, "{reported:#?}");
    for request in ["/readyz", "/metrics"] {
        let answer = world.get(request).await.text().await.unwrap();
        assert!(!answer.contains("secret-of-the-hook"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_without_a_recording_are_one_message() {
    let (world, receiver) = watched(moved::<1>, &[]).await;
    world
        .livekit
        .fail_next_start(10_000, StartFault::Unavailable);
    for n in 0..4 {
        world.livekit.open_room(&format!("desk-{n}"));
    }
    for n in 0..4 {
        world.starts(&format!("desk-{n}"), 1).await;
    }
    gauge_is(&world, "livekit_airtable_calls_unrecorded", 0).await;
    move_clock::<1>(61);
    gauge_is(&world, "livekit_airtable_calls_unrecorded", 4).await;
    receiver.hears(1).await;
    for n in 0..4 {
        world.livekit.close_room(&format!("desk-{n}"));
    }
    gauge_is(&world, "livekit_airtable_calls_unrecorded", 0).await;
    let over = async {
        // Seen once without it, then calm for a minute.
        while receiver.came().len() < 2 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            move_clock::<1>(20);
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap();
    let reported = texts(&receiver);
    let begins = "livekit-airtable: 4 calls are live and are not being recorded";
    assert!(reported[0].starts_with(begins), "{reported:#?}");
    assert!(
        reported[1].ends_with(": live calls were not being recorded."),
        "{reported:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_never_come_are_reported_when_reconcile_finds_the_room() {
    let (world, receiver) = watched(moved::<2>, &[]).await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    move_clock::<2>(HOUR + 1);
    receiver.hears(1).await;
    let reported = texts(&receiver);
    assert!(
        reported[0].contains("No webhook has arrived for 60 min"),
        "{reported:#?}"
    );
    assert!(reported[0].ends_with(&format!("({call})")), "{reported:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_that_fail_one_after_the_other_are_reported_until_one_succeeds() {
    let (world, receiver) = watched(moved::<3>, &[]).await;
    let gauge_name = "livekit_airtable_recordings_failed_in_a_row";
    let mut last = String::new();
    for n in 1..=3 {
        // One that was stopped before anybody spoke is no failure, and no success.
        let silent = format!("silent-{n}");
        let call = world.livekit.open_room(&silent);
        world.livekit.join(&silent, crate::harness::agent());
        world.starts(&silent, 1).await;
        world.livekit.close_room(&silent);
        world.row_is(&call, "No recording").await;
        assert_eq!(texts(&receiver), [""; 0], "{n}");
        let room = format!("desk-{n}");
        (last, _) = world.talk(&room).await;
        world.storage.refuse(1, 403);
        world.livekit.close_room(&room);
        world.row_is(&last, "Failed").await;
        gauge_is(&world, gauge_name, n).await;
    }
    receiver.hears(1).await;
    let reported = texts(&receiver);
    let begins = "livekit-airtable: The last 3 recordings failed. Latest reason: LiveKit could not upload the recording";
    assert!(reported[0].starts_with(begins), "{reported:#?}");
    assert!(reported[0].contains(&last), "{reported:#?}");
    let (good, _) = world.talk("good").await;
    world.livekit.close_room("good");
    world.row_is(&good, "Complete").await;
    gauge_is(&world, gauge_name, 0).await;
    let over = async {
        while receiver.came().len() < 2 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            move_clock::<3>(20);
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap();
    let reported = texts(&receiver);
    let over = ": several recordings in a row failed.";
    assert!(reported[1].ends_with(over), "{reported:#?}");
}

/// Somebody holds the leases locked, so that no process may do anything: the rest of the database can be written.
#[tokio::test(flavor = "multi_thread")]
async fn leases_that_nobody_gets_are_reported_and_the_work_goes_on_after_them() {
    let database = fresh_database().await;
    let settings = [("DATABASE_URL", database.as_str())];
    let (world, receiver) = watched_on(moved::<4>, &[], &settings).await;
    // Before that, it would be 0 because no process has the lease yet.
    let job = "livekit_airtable_job_runs{job=\"airtable\"}";
    gauge_is(&world, job, 1).await;
    let mut somebody = PgConnection::connect(&database).await.unwrap();
    somebody.execute("BEGIN").await.unwrap();
    let lock = "LOCK TABLE leases IN SHARE MODE";
    somebody.execute(lock).await.unwrap();
    gauge_is(&world, job, 0).await;
    let call = world.livekit.open_room("desk");
    let unleased = async {
        loop {
            let ready = crate::play::answer(world.get("/readyz").await, 200).await;
            if ready["jobs"]["airtable"] == "no process runs it: no lease can be renewed" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, unleased).await.unwrap();
    // Checked at once, and again after it has lasted.
    let reported = async {
        while receiver.came().is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            move_clock::<4>(5);
        }
    };
    tokio::time::timeout(PATIENCE, reported).await.unwrap();
    let reported = texts(&receiver);
    let begins = "livekit-airtable: All jobs stopped: leases cannot be renewed";
    assert!(reported[0].starts_with(begins), "{reported:#?}");
    assert!(world.row(&call).await.is_none(), "nobody may send");
    somebody.execute("ROLLBACK").await.unwrap();
    world.row_is(&call, "Live").await;
    gauge_is(&world, job, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_whether_it_is_ready_writes_at_most_once_a_second() {
    let world = World::new().await;
    let store = Store::open(&world.database(), livekit_airtable::telemetry::now())
        .await
        .unwrap();
    let (asked, mut proofs) = (Instant::now(), BTreeSet::new());
    for _ in 0..200 {
        let ready = world.http.get(world.url("/readyz")).send().await.unwrap();
        assert_eq!(ready.status(), 200);
        proofs.insert(store.get(Setting::CheckedAt).await.unwrap());
    }
    // The watch proves it too, every five seconds.
    let seconds = usize::try_from(asked.elapsed().as_secs()).unwrap();
    assert!(proofs.len() <= 3 + seconds + seconds / 5, "{proofs:#?}");
}
