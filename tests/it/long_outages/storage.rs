//! The bucket is slow, refuses, or has not all of it yet.

use std::time::{Duration, Instant};

use serde_json::json;

use super::HOUR;
use crate::{
    harness::{PATIENCE, World, move_clock, moved},
    play::text,
    reader::Row,
    tcp_gate::Gate,
};

const MANY: usize = 1_000_000;

/// Advances the time until the call's row is as expected, and returns it.
async fn row_in_time(world: &World, call: &str, status: &str, error: &str) -> Row {
    let wanted = |row: &Row| {
        let reported = text(row, "Error");
        let is_reported = reported.contains(error) && reported.is_empty() == error.is_empty();
        text(row, "Status") == status && is_reported
    };
    let asked = Instant::now();
    loop {
        let mut row = world.glance(call).unwrap_or_default();
        if wanted(&row) {
            row = world.row(call).await.unwrap_or_default();
            if wanted(&row) {
                return row;
            }
        }
        assert!(
            asked.elapsed() < PATIENCE,
            "wanted {status:?} with {error:?}: {row:#?}"
        );
        move_clock::<15>(5);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_bucket_says_it_is_asked_again_until_the_recording_is_there() {
    let mut world = World::with(&[("EGRESS_LOST_AFTER", "48h")]).await;
    world.restart_on(moved::<15>).await;
    let (call, egress) = world.talk_unheard("desk").await;
    world.storage.refuse(MANY, 403);
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    row_in_time(&world, &call, "Processing", "S3_ACCESS_KEY").await;
    world.storage.refuse(MANY, 500);
    row_in_time(&world, &call, "Processing", "answered 500").await;
    world.storage.refuse(0, 500);
    row_in_time(&world, &call, "Processing", "not in the bucket yet").await;
    world.put_object(&call, 300);
    row_in_time(&world, &call, "Processing", "300 bytes instead of the 700").await;
    // Too late, and it is unknown whether the object exists: the row says what must be fixed.
    world.storage.refuse(MANY, 403);
    move_clock::<15>(49 * HOUR);
    let row = row_in_time(&world, &call, "Failed", "s3:GetObject").await;
    assert!(text(&row, "Error").contains("S3_ACCESS_KEY"), "{row:#?}");
    world.put_object(&call, 700);
    world.storage.refuse(0, 403);
    move_clock::<15>(HOUR);
    let row = row_in_time(&world, &call, "Complete", "").await;
    assert_eq!(row["Recording size"], 700);
    world.nothing_is_dead().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_stalls_and_then_dribbles_shows_the_recording_in_the_end() {
    let mut world = World::new().await;
    let mut gate = Gate::before(&world.storage.url()).await;
    world.set("S3_ENDPOINT", &gate.url());
    world.set("S3_EGRESS_ENDPOINT", &world.storage.url());
    world.stop().await;
    world.start().await;
    gate.stick().await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Processing").await;
    // Neither rows nor other calls wait for it.
    let other = world.livekit.open_room("other");
    world.row_is(&other, "Live").await;
    gate.dribble().await;
    let row = world.row_is(&call, "Complete").await;
    let audio = world.http.get(text(&row, "Recording URL")).send().await;
    let size = audio.unwrap().bytes().await.unwrap().len();
    assert_eq!(row["Recording size"], size);
}
