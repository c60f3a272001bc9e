//! How a recording ends, and what a lost webhook, egress or process does to the row: nothing that lasts.

use std::time::Duration;

use livekit_airtable_sim::livekit::LiveKit;
use serde_json::{Map, Value, json};

use crate::{
    harness::{World, agent, caller},
    play::text,
};

/// For calls whose recording must be given up soon.
const IMPATIENT: [(&str, &str); 2] = [("EGRESS_LOST_AFTER", "2s"), ("RECONCILE_INTERVAL", "1s")];

fn error_has(part: &str) -> impl Fn(&Map<String, Value>) -> bool {
    move |row| text(row, "Error").contains(part)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_spoke() {
    let world = World::new().await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.starts("desk", 1).await;
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "No recording").await;
    assert_eq!((text(&row, "Error"), text(&row, "Recording URL")), ("", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn livekits_limit_leaves_a_short_recording() {
    let world = World::new().await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.egress_limit_reached(&egress);
    let live = world.row_where(&call, error_has("incomplete")).await;
    assert_eq!(live["Status"], "Live");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(text(&row, "Error").contains("limit"), "{row:#?}");
    plays(&world, &row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_is_reported() {
    let world = World::new().await;
    let (call, _) = world.talk("desk").await;
    world.storage.refuse(1, 403);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    assert!(text(&row, "Error").contains("S3 upload failed"), "{row:#?}");
    assert_eq!(text(&row, "Recording URL"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_egress_that_left_a_file_is_complete_and_marked_as_short() {
    let world = World::new().await;
    let (call, egress) = world.talk_unheard("desk").await;
    world.put_object(&call, 700);
    let file = json!({"size": "700", "location": "https://anywhere/at all"});
    world.ended((&call, &egress), "EGRESS_FAILED", file).await;
    let row = world.row_is(&call, "Complete").await;
    assert!(text(&row, "Error").contains("incomplete"), "{row:#?}");
    assert_eq!(row["Recording size"], 700);
    plays(&world, &row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_missing_is_looked_for_until_it_comes() {
    let world = World::new().await;
    let (call, egress) = world.talk_unheard("desk").await;
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let row = world.row_where(&call, error_has("not in the bucket yet"));
    assert_eq!(row.await["Status"], "Processing");
    world.put_object(&call, 700);
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    plays(&world, &row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_never_comes_fails_the_call() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.kill_egress(&egress);
    world.livekit.close_room("desk");
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let row = world.row_is(&call, "Failed").await;
    assert!(
        text(&row, "Error").contains("was never uploaded"),
        "{row:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_another_size_is_looked_at_again() {
    let world = World::new().await;
    let (call, egress) = world.talk_unheard("desk").await;
    world.put_object(&call, 699);
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let row = world.row_where(&call, error_has("699 bytes instead of the 700"));
    assert_eq!(row.await["Status"], "Processing");
    world.put_object(&call, 700);
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_is_no_recording() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.kill_egress(&egress);
    world.livekit.close_room("desk");
    world.put_object(&call, 0);
    let file = json!({"location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let row = world.row_is(&call, "Failed").await;
    assert!(text(&row, "Error").contains("is empty"), "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_died_fails_the_call() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk_unheard("desk").await;
    let row = world.row_is(&call, "Failed").await;
    assert!(!text(&row, "Error").is_empty(), "{row:#?}");
    assert_eq!(row["Egress ID"], egress);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_reported_after_the_egress_was_given_up_still_completes_the_call() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk_unheard("desk").await;
    world
        .row_where(&call, error_has("was never uploaded"))
        .await;
    world.put_object(&call, 700);
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert_eq!(row["Recording size"], 700);
    plays(&world, &row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_found_gives_way_to_the_whole_that_is_reported_later() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk("desk").await;
    world.put_object(&call, 300);
    world.livekit.kill_egress(&egress);
    world.livekit.close_room("desk");
    let part = |row: &Map<String, Value>| row.get("Recording size").is_some_and(|n| n == 300);
    world.row_where(&call, part).await;
    world.put_object(&call, 700);
    let file = json!({"size": "700", "location": "https://x/y"});
    world.ended((&call, &egress), "EGRESS_COMPLETE", file).await;
    let whole = |row: &Map<String, Value>| row.get("Recording size").is_some_and(|n| n == 700);
    let row = world.row_where(&call, whole).await;
    assert_eq!(
        (text(&row, "Status"), text(&row, "Error")),
        ("Complete", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_that_died_after_its_upload_is_complete() {
    let world = World::with(&IMPATIENT).await;
    let (call, egress) = world.talk("desk").await;
    world.put_object(&call, 700);
    world.livekit.kill_egress(&egress);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(row["Recording size"], 700);
    plays(&world, &row).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_webhook_the_row_comes_to_be_the_same() {
    let world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.livekit.lose_webhooks(true);
    let call = call_to_its_end(&world.livekit, &world, "desk").await;
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Room"), "desk");
    assert_eq!(text(&row, "Error"), "");
    assert!(
        row.contains_key("Started") && row.contains_key("Ended"),
        "{row:#?}"
    );
    plays(&world, &row).await;
    assert_eq!(world.livekit.starts().len(), 1);
    assert_eq!(world.rows().await.len(), 1);
}

/// A call in which nothing depends on a webhook; it returns when the room is closed.
async fn call_to_its_end(livekit: &LiveKit, world: &World, room: &str) -> String {
    let call = livekit.open_room(room);
    livekit.join(room, caller("+15551234567"));
    livekit.speak(room);
    world.starts(room, 1).await;
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    livekit.close_room(room);
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_mid_call_leaves_one_row_and_one_recording() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.stop().await;
    let serve = world.serve().await;
    let (call, egress) = world.talk("desk").await;
    serve.kill();
    world.livekit.close_room("desk");
    let serve = world.serve().await;
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(row["Egress ID"], egress);
    assert_eq!(world.rows().await.len(), 1);
    assert_eq!(world.livekit.starts().len(), 1);
    serve.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_right_after_room_started_starts_one_recording() {
    let mut world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    world.stop().await;
    let serve = world.serve().await;
    let call = world.livekit.open_room("desk");
    world.starts("desk", 1).await;
    serve.kill();
    let serve = world.serve().await;
    world.livekit.speak("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    assert_eq!(world.egresses().await.len(), 1);
    serve.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_service_in_time_and_a_second_one_is_refused() {
    let mut world = World::new().await;
    world.stop().await;
    let serve = world.serve().await;
    world.talk("desk").await;
    let second = world.program(&["serve"]);
    let complaint = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        complaint.contains("another `livekit-airtable serve`"),
        "{complaint}"
    );
    let (status, time) = serve.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(20), "{time:?}");
}

/// The row's link leads to as many bytes as the row says.
async fn plays(world: &World, row: &Map<String, Value>) {
    let audio = world
        .http
        .get(text(row, "Recording URL"))
        .send()
        .await
        .unwrap();
    assert_eq!(audio.status(), 200);
    let size = audio.bytes().await.unwrap().len();
    assert_eq!(row["Recording size"], size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_comes_after_the_end_was_found_out_makes_no_call_live() {
    let world = World::with(&[("RECONCILE_INTERVAL", "1s")]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.lose_webhooks(true);
    let sent = livekit_airtable::telemetry::now().as_second();
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    let late = json!({
        "event": "participant_left", "id": "EV_late", "createdAt": sent.to_string(),
        "room": {"sid": call, "name": "desk"},
        "participant": {"sid": "PA_late", "identity": "late", "version": 9},
    });
    world.hook(&late).await;
    let left = |detail: &Value| detail["participants"].to_string().contains("PA_late");
    let detail = world.detail_where(&call, left, || {}).await;
    assert_eq!(detail["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_how_each_call_stands_and_which_has_failed() {
    let mut world = World::new().await;
    world.stop().await;
    let serve = world.serve().await;
    let (call, _) = world.talk("desk").await;
    world.storage.refuse(1, 403);
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    let refused = world.http.post(world.url("/webhooks/livekit")).body("{}");
    assert_eq!(refused.send().await.unwrap().status(), 401);
    serve.terminate().await;
    let said = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    let line = |words: &str| {
        said.lines()
            .find(|line| line.contains(words))
            .map(str::to_owned)
    };
    for words in ["the call is Live", "the call is Failed"] {
        let line = line(words).unwrap_or_else(|| panic!("{words}: {said}"));
        assert!(line.contains(&call), "{line}");
    }
    assert!(line("somebody else calls this address").is_some(), "{said}");
}
