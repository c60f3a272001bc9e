//! An egress of ours that left its room, counted as lost and comes back: the one that was started in its place is stopped.

use std::time::Duration;

use livekit_airtable::telemetry;
use serde_json::{Value, json};

use crate::{
    harness::{World, caller},
    play::text,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_recordings_of_ours_the_newer_one_is_stopped() {
    is_stopped(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_recordings_of_ours_the_newer_one_is_stopped_on_postgres() {
    is_stopped(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn is_stopped(settings: &[(&str, &str)]) {
    let world = World::with(settings).await;
    let (call, first) = world.talk("desk").await;
    world.livekit.leave("desk", &first);
    world.starts("desk", 2).await;
    world
        .row_where(&call, |row| text(row, "Egress ID") != first)
        .await;
    // Webhooks carry whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let now = telemetry::now().as_second().to_string();
    let joined = json!({
        "event": "participant_joined", "id": "EV_back", "createdAt": now, "room": {"sid": call, "name": "desk"},
        "participant": {"sid": "PA_back", "identity": first, "kind": "EGRESS", "state": "ACTIVE", "joinedAt": now},
    });
    world.hook(&joined).await;
    world.livekit.join("desk", caller("+15557654321"));
    assert_eq!(other(&world, &first).await, "EGRESS_COMPLETE");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Egress ID"), first);
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(world.livekit.starts().len(), 2);
}

/// The status of the egress other than `first` once it has ended; `first` still runs.
async fn other(world: &World, first: &str) -> Value {
    for _ in 0..600 {
        let egresses = world.egresses().await;
        let (ours, others): (Vec<_>, Vec<_>) =
            egresses.iter().partition(|it| it["egressId"] == first);
        assert_eq!(ours[0]["status"], "EGRESS_ACTIVE");
        if others[0]["status"] == "EGRESS_COMPLETE" {
            return others[0]["status"].clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Value::Null
}
