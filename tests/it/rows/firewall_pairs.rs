//! Several rows that a firewall dislikes, without a good one beside them.

use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};

use super::UNRECORDED;
use crate::{
    harness::{World, eventually},
    play::text,
    real::postgres::fresh_database,
};

const DISLIKED: &str = "; DROP TABLE calls --";

async fn paused(world: &World) -> Value {
    let ready: Value = world.get("/readyz").await.json().await.unwrap();
    ready["paused"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_two_disliked_rows_are_parked_and_others_go_on() {
    two_rows(World::with(&[UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_two_disliked_rows_are_parked_and_others_go_on() {
    let database = fresh_database().await;
    let settings = [UNRECORDED, ("DATABASE_URL", &database)];
    two_rows(World::with(&settings).await).await;
}

async fn two_rows(mut world: World) {
    let calls = [world.open("one").await, world.open("two").await];
    for call in &calls {
        world.owed_is(call, "done").await;
    }
    // Due together, and nothing else is.
    world.stop().await;
    world.airtable.stop_text(DISLIKED);
    world.start().await;
    for call in &calls {
        world.say(call, &format!("words{DISLIKED}")).await;
    }
    for call in &calls {
        let parked = world.owed_is(call, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        assert!(error.contains("refuses this row"), "{error}");
        assert!(!error.contains("every write"), "{error}");
    }
    assert_eq!(paused(&world).await, json!({}));
    let good = world.open("three").await;
    world.say_and_read(&good, "goes on").await;
    // Once more, as a person asks for it.
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    for call in &calls {
        world.owed_is(call, "parked").await;
    }
    assert_eq!(paused(&world).await, json!({}));
    world.airtable.stop_no_text();
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    for call in &calls {
        let said = |row: &super::Row| text(row, "Transcript").contains(DISLIKED);
        world.row_where(call, said).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_disliked_rows_are_parked_as_long_as_a_write_gets_through() {
    let world = World::with(&[UNRECORDED]).await;
    world.open("known").await;
    world.airtable.stop_text("disliked");
    let calls: Vec<String> = (0..8)
        .map(|n| world.livekit.open_room(&format!("disliked-{n}")))
        .collect();
    for call in &calls {
        let parked = world.owed_is(call, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        assert!(error.contains("refuses this row"), "{error}");
    }
    assert_eq!(paused(&world).await, json!({}));
    world.open("good").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_that_is_not_airtables_parks_its_row_alone() {
    let answers = [
        (413, "<html>Request Entity Too Large</html>".to_owned()),
        (413, String::new()),
        (401, "<html>Sign in</html>".to_owned()),
        (302, "<html>Moved</html>".to_owned()),
        (307, String::new()),
        (407, "<html>Proxy authentication</html>".to_owned()),
        (401, json!({"reason": "blocked"}).to_string()),
        (403, json!({"error": "BLOCKED"}).to_string()),
        (
            403,
            json!({"type": "DENIED", "title": "Denied"}).to_string(),
        ),
        (
            200,
            "<html>The requested URL was rejected</html>".to_owned(),
        ),
    ];
    for (status, body) in answers {
        let mut world = World::with(&[UNRECORDED]).await;
        let calls = [world.open("known").await, world.open("disliked").await];
        for call in &calls {
            world.owed_is(call, "done").await;
        }
        world.airtable.fail_next(1, Fault::Status(status, body));
        world.say(&calls[1], "disliked").await;
        let parked = world.owed_is(&calls[1], "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        let status = status.to_string();
        assert!(
            error.contains("proxy or firewall") && error.contains(&status),
            "{error}"
        );
        assert_eq!(paused(&world).await, json!({}), "{status}");
        world.say_and_read(&calls[0], "goes on").await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_all_writes_pauses_with_the_number_of_its_calls() {
    let world = World::with(&[UNRECORDED]).await;
    let mut calls = Vec::new();
    for n in 0..6 {
        calls.push(world.open(&format!("room-{n}")).await);
    }
    for call in &calls {
        world.owed_is(call, "done").await;
    }
    world.airtable.stop_text("records");
    // The other rows are tried before all writes count as refused.
    for call in &calls[..2] {
        world.say(call, "waits").await;
    }
    let refused = async || {
        paused(&world).await["airtable"]["error"]
            .as_str()
            .map(str::to_owned)
    };
    let mut error = None;
    for _ in 0..3000 {
        error = refused().await;
        if error.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let error = error.expect("the sink is paused");
    assert!(error.contains("refuses every write"), "{error}");
    world.airtable.stop_no_text();
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    for call in &calls[..2] {
        world
            .row_where(call, |row| text(row, "Transcript") == "Agent: waits")
            .await;
    }
    let over = || world.airtable.rows("Calls").len() == 6;
    assert!(eventually(|| over().then_some(())).await.is_some());
}
