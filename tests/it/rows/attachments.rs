//! The recording's copy in Airtable.

use base64::{Engine, prelude::BASE64_STANDARD};
use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Row;
use crate::{harness::World, play::text};

const SCHEMA: &str = include_str!("../../../schema/airtable.toml");

/// A world whose schema has the column Recording.
async fn with_attachments() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.toml");
    let off = "from = \"recording_attachment\"\nenabled = false";
    assert!(SCHEMA.contains(off));
    std::fs::write(
        &path,
        SCHEMA.replace(off, "from = \"recording_attachment\""),
    )
    .unwrap();
    let world = World::with(&[("AIRTABLE_SCHEMA", path.to_str().unwrap())]).await;
    (world, folder)
}

fn items(row: &Row) -> Vec<Value> {
    let cell = row.get("Recording").and_then(Value::as_array);
    cell.cloned().unwrap_or_default()
}

/// Whether our copy is in the row, with its full size.
fn has_copy(row: &Row, call: &str) -> bool {
    let whole =
        |it: &Value| it["filename"] == format!("{call}.mp3") && it["size"] == row["Recording size"];
    items(row)
        .iter()
        .any(|it| whole(it) && it["type"] == "audio/mpeg")
}

/// As a person adds a file to a cell by hand.
async fn add_file(world: &World, record: &str, filename: &str) {
    let file = json!({"contentType": "text/plain", "file": BASE64_STANDARD.encode("theirs"), "filename": filename});
    world
        .person(
            "POST",
            &format!("{record}/Recording/uploadAttachment"),
            &file,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_copied_once_and_their_files_stay() {
    let (mut world, _folder) = with_attachments().await;
    let (call, _) = world.talk("desk").await;
    let record = text(&world.row(&call).await.unwrap(), "id").to_owned();
    add_file(&world, &record, "theirs.txt").await;
    // Airtable does it and does not say so: it must not be done again.
    world
        .row_where(&call, |row| row.contains_key("Agent"))
        .await;
    world.owed_is(&call, "done").await;
    world.livekit.close_room("desk");
    world.row_where(&call, |row| has_copy(row, &call)).await;
    for restart in [false, true] {
        if restart {
            world.stop().await;
            world.start().await;
        }
        world.look_again(&call).await;
        world.owed_is(&call, "done").await;
        world.say_and_read(&call, &format!("news {restart}")).await;
    }
    let row = world.only_row(&call).await;
    let names: Vec<_> = items(&row)
        .iter()
        .map(|it| it["filename"].clone())
        .collect();
    assert_eq!(names, ["theirs.txt".to_owned(), format!("{call}.mp3")]);
    let copy = world
        .http
        .get(items(&row)[1]["url"].as_str().unwrap())
        .send();
    let size = copy.await.unwrap().bytes().await.unwrap().len();
    assert_eq!(row["Recording size"], size);
    assert!(
        world.due_deliveries(&call).await["due_at"].is_string(),
        "the link is renewed"
    );
    // Once it has been seen, it belongs to the users: if they delete it, it is not sent again.
    world.edit(&record, "Recording", json!([])).await;
    world.look_again(&call).await;
    world.say_and_read(&call, "after it was deleted").await;
    assert_eq!(items(&world.only_row(&call).await).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_answer_is_lost_is_not_sent_twice() {
    let (world, _folder) = with_attachments().await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    // Whatever comes next: reads, writes, and the write with the recording.
    for _ in 0..6 {
        world.airtable.fail_next(1, Fault::AfterWrite);
    }
    world.row_where(&call, |row| has_copy(row, &call)).await;
    for _ in 0..3 {
        world.look_again(&call).await;
        world.owed_is(&call, "done").await;
    }
    assert_eq!(items(&world.only_row(&call).await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_airtable_fails_to_fetch_is_sent_again() {
    let (world, _folder) = with_attachments().await;
    world.airtable.fail_fetches(2);
    let (call, _) = world.talk("desk").await;
    let record = text(&world.row(&call).await.unwrap(), "id").to_owned();
    add_file(&world, &record, "theirs.txt").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    for _ in 0..4 {
        world.owed_is(&call, "done").await;
        world.look_again(&call).await;
    }
    let row = world.row_where(&call, |row| has_copy(row, &call)).await;
    assert_eq!(items(&row).len(), 2, "{row:#?}");
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_times_it_is_reported() {
    let (world, _folder) = with_attachments().await;
    world.airtable.fail_fetches(1000);
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    for _ in 0..5 {
        world.owed_is(&call, "done").await;
        world.look_again(&call).await;
    }
    let row = world
        .row_where(&call, |row| row.contains_key("Error"))
        .await;
    let words = "Airtable did not copy the recording into “Recording” after 3 attempts; the link to the recording still works.";
    assert_eq!(text(&row, "Error"), words);
    // Nothing is left to do: checking the row again sends no request to Airtable.
    world.owed_is(&call, "done").await;
    let before = world.airtable.requests();
    world.look_again(&call).await;
    assert_eq!(world.airtable.requests(), before);
}
