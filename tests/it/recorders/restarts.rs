//! An egress that dies while its room is open is started again.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{engines, error_has, newest, refs};
use crate::{
    harness::{World, eventually},
    play::text,
};

fn another(before: &str) -> impl Fn(&Map<String, Value>) -> bool {
    move |row| !["", before].contains(&text(row, "Egress ID"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_egress_is_started_again_with_its_own_key() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &[])).await;
        let (call, first) = world.talk("desk").await;
        world.livekit.fail_egress(&first, "gstreamer gave up", 500);
        let second = world.row_where(&call, another(&first)).await;
        let second = text(&second, "Egress ID").to_owned();
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Egress ID"), second);
        assert!(text(&row, "Recording URL").contains(&format!("{call}-2.mp3")));
        let error = text(&row, "Error");
        assert!(
            error.contains(&first) && error.contains("gstreamer gave up"),
            "{error}"
        );
        assert_eq!(world.livekit.starts().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_started_again_three_times_and_across_a_restart_of_the_service() {
    let mut world = World::new().await;
    let (call, first) = world.talk("desk").await;
    let mut dying = first;
    for starts in 2..=4 {
        if starts == 3 {
            world.stop().await;
        }
        world.livekit.abort_egress(&dying);
        if starts == 3 {
            world.start().await;
        }
        dying = newest(&world, starts).await;
    }
    world.livekit.fail_egress(&dying, "and again", 500);
    let row = world
        .row_where(&call, error_has("not started any more"))
        .await;
    assert_eq!(row["Status"], "Live");
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    assert_eq!(world.livekit.starts().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_egress_is_started_again() {
    let world = World::new().await;
    let (call, first) = world.talk("desk").await;
    world.livekit.crash_egress(&first);
    let second = world.row_where(&call, another(&first)).await;
    assert_eq!(text(&second, "Status"), "Live");
    world.livekit.close_room("desk");
    let complete = |row: &Map<String, Value>| {
        text(row, "Recording URL").contains("-2.mp3") && another(&first)(row)
    };
    world.row_where(&call, complete).await;
    // Nobody waits for the part of the killed one.
    world.row_is(&call, "Complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_ends_one_part_and_begins_another() {
    let world = World::new().await;
    let (call, first) = world.talk("desk").await;
    world.livekit.set_recording_length(Duration::from_secs(60));
    world.livekit.egress_limit_reached(&first);
    newest(&world, 2).await;
    world.livekit.set_recording_length(Duration::from_secs(20));
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Egress ID"), first, "the longest part");
    assert_eq!(row["Duration"], 60);
    let error = text(&row, "Error");
    for part in ["limit", "in 2 parts", "0:00:20", "-2.mp3"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_somebody_stopped_is_not_started_again() {
    let world = World::new().await;
    let (call, first) = world.talk("desk").await;
    let stop = format!("/v1/recordings/{first}/stop");
    let stopped = world.post(&stop, &serde_json::json!({})).await;
    assert_eq!(stopped.status(), 200);
    let there = |row: &Map<String, Value>| row.contains_key("Recording URL");
    world.row_where(&call, there).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.livekit.starts().len(), 1);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert!(eventually(|| Some(())).await.is_some());
}
