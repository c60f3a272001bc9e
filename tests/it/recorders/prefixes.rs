//! An egress service whose storage configuration has a prefix: LiveKit reports the file's name without it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{agents_egress, asks, composite, engines, file, newest, records, refs, s3};
use crate::{
    harness::{World, caller},
    play::text,
};

#[tokio::test(flavor = "multi_thread")]
async fn our_recording_is_found_behind_the_prefix() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &[("RECONCILE_INTERVAL", "1s")])).await;
        world.livekit.set_storage_prefix("team-a");
        let (call, egress) = world.talk("desk").await;
        world.livekit.close_room("desk");
        plays(&world, &call, &egress, &format!("team-a/recordings/{call}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_others_is_found_behind_the_prefix() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    world.livekit.set_storage_prefix("team-a/calls");
    world.livekit.set_default_storage(s3(&world, "recordings"));
    let named = "team-a/calls/recordings/AJ_job.mp3";
    let unnamed = "team-a/calls/own.mp3";
    for key in [named, unnamed] {
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", caller("+15551234567"));
        let egress = if key == named {
            agents_egress(&world).await
        } else {
            let mut output = file("own.mp3", s3(&world, "recordings"));
            output.output = None;
            let request = composite("desk", output);
            asks(&world, "StartRoomCompositeEgress", &request).await
        };
        world.livekit.speak("desk");
        world.row_where(&call, records(&egress)).await;
        world.livekit.close_room("desk");
        plays(&world, &call, &egress, key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_behind_the_prefix_do_not_overwrite_each_other() {
    let world = World::new().await;
    world.livekit.set_storage_prefix("team-a");
    let (call, first) = world.talk("desk").await;
    world.livekit.set_recording_length(Duration::from_secs(60));
    world.livekit.egress_limit_reached(&first);
    newest(&world, 2).await;
    world.livekit.set_recording_length(Duration::from_secs(20));
    world.livekit.close_room("desk");
    let in_parts = |row: &Map<String, Value>| text(row, "Error").contains("in 2 parts");
    let row = world.row_where(&call, in_parts).await;
    assert_eq!(
        (&row["Duration"], text(&row, "Egress ID")),
        (&json!(60), first.as_str())
    );
    let second = format!("team-a/recordings/{call}-2.mp3");
    assert!(text(&row, "Error").contains(&second), "{row:#?}");
}

/// The row links this egress's file, whose key begins so, and the link plays.
async fn plays(world: &World, call: &str, egress: &str, key: &str) {
    let row = world.row_is(call, "Complete").await;
    assert_eq!((text(&row, "Error"), text(&row, "Egress ID")), ("", egress));
    let url = text(&row, "Recording URL");
    assert!(url.contains(key), "{url}");
    let played = world.http.get(url).send().await.unwrap();
    assert_eq!(played.status(), 200);
    assert!(played.bytes().await.unwrap().len() > 100);
}
