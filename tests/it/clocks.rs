//! A clock that jumps by an hour holds nothing up, neither when it jumps nor when it is set right.

use livekit_airtable_sim::airtable::Fault;

use crate::harness::{World, caller, move_clock, moved};

const HOUR: i64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_while_the_clock_jumps_ahead_and_back() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.restart_on(moved::<6>).await;
    let (call, _) = world.talk("desk").await;
    move_clock::<6>(HOUR);
    // The clock is wrong: LiveKit's tokens are expired, and asking LiveKit is what is left.
    let other = world.livekit.open_room("other");
    world.livekit.join("other", caller("+15557654321"));
    world.row_is(&other, "Live").await;
    world.starts("other", 1).await;
    // Put off by this clock, it would wait for an hour.
    world.airtable.fail_next(1, Fault::Status(500, "{}".into()));
    let failed = world.airtable.requests();
    let report =
        serde_json::json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let asked = || (world.airtable.requests() > failed).then_some(());
    assert!(crate::harness::eventually(asked).await.is_some());
    move_clock::<6>(-HOUR);
    world
        .row_where(&call, |row| row.contains_key("Transcript"))
        .await;
    // Its last sign of life was an hour ahead; its end is found out by asking.
    world.livekit.lose_webhooks(true);
    world.livekit.close_room("other");
    world
        .row_where(&other, |row| {
            row.get("Status").is_some_and(|status| status != "Live")
        })
        .await;
    world.livekit.lose_webhooks(false);
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_missed_before_the_clock_was_set_back_is_found_after_it() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    move_clock::<7>(HOUR);
    world.restart_on(moved::<7>).await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world.livekit.speak("desk");
    world.starts("desk", 1).await;
    let row = world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    let egress = row["Egress ID"].as_str().unwrap().to_owned();
    world.livekit.kill_egress(&egress);
    move_clock::<7>(-HOUR);
    world
        .ended(
            (&call, &egress),
            "EGRESS_COMPLETE",
            serde_json::json!({"size": "9"}),
        )
        .await;
    world.livekit.close_room("desk");
    world
        .row_where(&call, |row| row.get("Error").is_some())
        .await;
    move_clock::<7>(-HOUR);
    world.put_object(&call, 9);
    world.row_is(&call, "Complete").await;
}
