//! Many calls while Airtable fails in every way: every good row once and right, dead exactly the poison.

use std::collections::BTreeMap;

use livekit_airtable_sim::airtable::Fault;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{Row, UNRECORDED};
use crate::{harness::World, play::answer, play::text};

const CALLS: usize = 500;
const REQUESTS: usize = 3000;

#[derive(Debug, Clone)]
struct Storm {
    /// Calls with a value that Airtable does not take: one in a hundred.
    poisoned: Vec<bool>,
    /// The fate of each request.
    faults: Vec<Fault>,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        9250 => Just(Fault::Slow(std::time::Duration::ZERO)),
        250 => Just(Fault::Status(500, r#"{"error":{"type":"SERVER_ERROR","message":"later"}}"#.into())),
        250 => Just(Fault::Html(502)),
        100 => Just(Fault::AfterWrite),
        100 => Just(Fault::Truncated),
        50 => Just(Fault::Locked(1)),
    ]
}

fn storm() -> Storm {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let poisoned = prop::collection::vec(prop::bool::weighted(0.01), CALLS);
    let faults = prop::collection::vec(fault(), REQUESTS);
    let storm = (poisoned, faults).prop_map(|(poisoned, faults)| Storm { poisoned, faults });
    storm.new_tree(&mut runner).unwrap().current()
}

fn room(n: usize, poisoned: bool) -> String {
    format!("{} {n}", if poisoned { "poison" } else { "good" })
}

fn sid(n: usize) -> String {
    format!("RM_storm{n:04}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_good_row_lands_once_and_dead_is_exactly_the_poison() {
    let storm = storm();
    let poison = storm.poisoned.iter().filter(|poisoned| **poisoned).count();
    assert!(poison > 0, "no poison in the storm");
    let mut world = World::with(&[UNRECORDED]).await;
    world.open("before the storm").await;
    world.airtable.refuse_text("poison ");
    for fault in storm.faults.clone() {
        world.airtable.fail_next(1, fault);
    }
    for (n, poisoned) in storm.poisoned.iter().enumerate() {
        live(&world, n, *poisoned).await;
        if n == CALLS / 2 {
            world.stop().await;
            world.start().await;
        }
    }
    for n in 0..CALLS {
        end(&world, n, storm.poisoned[n]).await;
    }
    settle(&world).await;
    record_errors(&world, &storm).await;
}

async fn live(world: &World, n: usize, poisoned: bool) {
    let room = json!({"sid": sid(n), "name": room(n, poisoned), "creationTime": "1767225600"});
    let started = json!({"event": "room_started", "id": format!("EV_s{n}"), "room": room, "createdAt": "1767225600"});
    world.hook(&started).await;
}

async fn end(world: &World, n: usize, poisoned: bool) {
    world.say(&sid(n), &format!("call {n}")).await;
    let room = json!({"sid": sid(n), "name": room(n, poisoned), "creationTime": "1767225600"});
    let finished = json!({"event": "room_finished", "id": format!("EV_f{n}"), "room": room, "createdAt": "1767225661"});
    world.hook(&finished).await;
}

/// Waits until all accepted messages are in their calls and no delivery is pending.
async fn settle(world: &World) {
    let mut database = world.connected().await;
    let asked = std::time::Instant::now();
    loop {
        // Read at one moment: a message is processed and its call's delivery is created in one transaction.
        let open = "SELECT (SELECT COUNT(*) FROM inbox WHERE processed_at IS NULL)
            + (SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('done', 'dead'))";
        let open = sqlx::query_scalar::<_, i64>(open).fetch_one(&mut database);
        let open = open.await.unwrap();
        if open == 0 {
            return;
        }
        assert!(
            asked.elapsed() < std::time::Duration::from_secs(150),
            "{open} letters and rows are still to be read and written"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn record_errors(world: &World, storm: &Storm) {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in world.rows().await {
        rows.entry(text(&row, "Call ID").to_owned())
            .or_default()
            .push(row);
    }
    for (n, poisoned) in storm.poisoned.iter().enumerate() {
        let found = rows.remove(&sid(n)).unwrap_or_default();
        if *poisoned {
            assert_eq!(found.len(), 0, "{found:#?}");
            let dead = world.due_deliveries(&sid(n)).await;
            assert_eq!(dead["state"], "dead", "{dead:#}");
            continue;
        }
        assert_eq!(found.len(), 1, "call {n}: {found:#?}");
        let mut row = found[0].clone();
        row.remove("id");
        let wanted = json!({
            "Call ID": sid(n), "Room": room(n, false), "Status": "No recording", "Transcript": format!("Agent: call {n}"),
            "Started": "2026-01-01T00:00:00.000Z", "Ended": "2026-01-01T00:01:01.000Z", "Duration": 61,
            "Turns": 1, "Interruptions": 0,
        });
        assert_eq!(Value::Object(row), wanted, "call {n}");
    }
    assert_eq!(rows.len(), 1, "rows of nobody: {rows:#?}");
    let dead = answer(world.get("/v1/calls?delivery=dead&limit=1000").await, 200).await;
    let poison = storm.poisoned.iter().filter(|poisoned| **poisoned).count();
    assert_eq!(dead["calls"].as_array().unwrap().len(), poison);
}
