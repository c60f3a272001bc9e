//! Simulated calls: no recording and no row, unless RECORD_SIMULATIONS is on.

use livekit_airtable_sim::livekit::{Kind, Person};
use serde_json::json;

use crate::{
    harness::{World, agent},
    play::{answer, text},
    real::postgres::fresh_database,
};

/// A caller of `lk simulate`.
fn simulator() -> Person {
    Person {
        identity: "simulator".into(),
        name: String::new(),
        kind: Kind::Standard,
        attributes: vec![("lk.simulator".into(), "true".into())],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_recording_is_stopped_when_a_simulator_joins() {
    is_stopped(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_recording_is_stopped_on_postgres() {
    is_stopped(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn is_stopped(settings: &[(&str, &str)]) {
    let world = World::with(settings).await;
    for room in ["by-attribute", "by-detail"] {
        let call = world.livekit.open_room(room);
        world.livekit.join(room, agent());
        world
            .row_where(&call, |row| row.contains_key("Egress ID"))
            .await;
        match room {
            "by-attribute" => world.livekit.join(room, simulator()),
            _ => world.livekit.join_simulator(room, "simulated"),
        }
        world.livekit.speak(room);
        let row = world.row_where(&call, |row| text(row, "Error") == "simulated call");
        assert_eq!(row.await["Status"], "Live");
        let over = |detail: &serde_json::Value| {
            let status = detail["recordings"][0]["status"].as_str();
            ["aborted", "complete"].contains(&status.unwrap_or_default())
        };
        world.detail_where(&call, over, || {}).await;
        let wanted = json!({ "room_name": room });
        let problem = answer(world.post("/v1/recordings", &wanted).await, 409).await;
        assert!(problem["detail"].as_str().unwrap().contains("simulated"));

        world.livekit.close_room(room);
        let row = world.row_is(&call, "No recording").await;
        assert_eq!(text(&row, "Error"), "simulated call");
        assert_eq!(text(&row, "Recording URL"), "");
        let starts = world.livekit.starts();
        let starts = starts.iter().filter(|(_, started)| started == room);
        assert_eq!(starts.count(), 1, "{room}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulator_is_recorded_if_that_is_wanted() {
    let settings = [
        ("RECORD_SIMULATIONS", "true"),
        ("RECORD_ON", "participant_joined"),
    ];
    let world = World::with(&settings).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", simulator());
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
}

/// The first thing that is heard of a call is its simulator.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_call_gets_no_row_and_no_recording() {
    let settings = [
        ("RECORD_ON", "participant_joined"),
        ("RECONCILE_INTERVAL", "1h"),
    ];
    let world = World::with(&settings).await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    world.livekit.lose_webhooks(false);
    world.livekit.join("desk", simulator());
    let known = |detail: &serde_json::Value| detail["status"] == "live";
    world.detail_where(&call, known, || {}).await;
    world.processed(&call, "airtable").await;
    world.livekit.close_room("desk");
    let over = |detail: &serde_json::Value| detail["status"] == "no_recording";
    let detail = world.detail_where(&call, over, || {}).await;
    assert_eq!(detail["error"], "simulated call");
    world.processed(&call, "airtable").await;
    assert!(world.rows().await.is_empty());
    assert!(world.livekit.starts().is_empty());
}
