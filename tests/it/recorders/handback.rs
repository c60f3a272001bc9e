//! Another program's egress ends before its call: the service records the rest.

use std::time::Duration;

use livekit_protocol as proto;

use super::{agents_egress, engines, error_has, newest, refs, statuses, twirp};
use crate::{
    harness::{World, caller, in_time},
    play::text,
};

const CALLER: &str = "sip_+15551234567";

/// A call that only another program's egress records; its sid and that egress.
async fn theirs(world: &World) -> (String, String) {
    let call = world.livekit.open_room("desk");
    let theirs = agents_egress(world).await;
    world.livekit.join("desk", caller("+15551234567"));
    world.livekit.publish("desk", CALLER);
    world.livekit.speak("desk");
    world.row_where(&call, super::records(&theirs)).await;
    (call, theirs)
}

/// The other program stops its egress.
async fn stops(world: &World, egress: &str) {
    let request = proto::StopEgressRequest {
        egress_id: egress.to_owned(),
    };
    twirp(world, "livekit.Egress/StopEgress", &request).await;
    in_time(async {
        while statuses(world).await[egress] != "EGRESS_COMPLETE" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn on_join<'a>() -> [(&'a str, &'a str); 1] {
    [("RECORD_ON", "participant_joined")]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_call_is_recorded_after_theirs_was_stopped() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &on_join())).await;
        let (call, theirs) = theirs(&world).await;
        stops(&world, &theirs).await;
        let ours = newest(&world, 2).await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        let row = match text(&row, "Error").contains("in 2 parts") {
            true => row,
            false => world.row_where(&call, error_has("in 2 parts")).await,
        };
        let both = format!("{} {}", text(&row, "Error"), text(&row, "Egress ID"));
        assert!(both.contains(&ours) && both.contains(&theirs), "{row:#?}");
        assert_eq!(world.livekit.starts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_people_leave_gets_no_second_recording() {
    let world = World::with(&on_join()).await;
    let (call, theirs) = theirs(&world).await;
    stops(&world, &theirs).await;
    world.livekit.leave("desk", CALLER);
    tokio::time::sleep(Duration::from_secs(8)).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_left_unnoticed_is_not_recorded_again() {
    let world = World::with(&on_join()).await;
    let (call, theirs) = theirs(&world).await;
    stops(&world, &theirs).await;
    world.livekit.lose_webhooks(true);
    world.livekit.leave("desk", CALLER);
    world.livekit.lose_webhooks(false);
    tokio::time::sleep(Duration::from_secs(8)).await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_others_that_a_person_stopped_stays_stopped() {
    let world = World::with(&on_join()).await;
    let (call, theirs) = theirs(&world).await;
    let stop = format!("/v1/recordings/{theirs}/stop");
    let stopped = world.post(&stop, &serde_json::json!({})).await;
    assert_eq!(stopped.status(), 200);
    tokio::time::sleep(Duration::from_secs(8)).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_egress_is_noticed_without_a_webhook() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &[("RECONCILE_INTERVAL", "1s")])).await;
        let (call, first) = world.talk("desk").await;
        world.livekit.lose_webhooks(true);
        world.livekit.crash_egress(&first);
        world.livekit.lose_webhooks(false);
        world.starts("desk", 2).await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert!(text(&row, "Recording URL").contains("-2.mp3"), "{row:#?}");
    }
}
