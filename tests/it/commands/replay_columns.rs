//! Which columns `replay` takes for changed.

use serde_json::{Value, json};

use crate::{harness::World, play::text};

const MANUAL: (&str, &str) = ("RECORD_ON", "manual");

/// A call that nobody recorded, from its beginning to its end; everything about it is delivered.
async fn ended(world: &World, room: &str, metadata: &Value) -> String {
    let call = world.livekit.open_room_with(room, &metadata.to_string());
    world.row_is(&call, "Live").await;
    world.livekit.close_room(room);
    world.row_is(&call, "No recording").await;
    world.rests(&call).await;
    call
}

async fn changed(world: &World, args: &[&str]) -> Value {
    world.json(args).await["changed"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_rewritten_when_only_a_users_url_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let more =
        "\n[[columns]]\nname = \"Callback\"\ntype = \"url\"\nfrom = \"metadata.callback_url\"\n";
    let path = folder.path().join("schema.toml");
    std::fs::write(&path, schema + more).unwrap();
    let settings = [MANUAL, ("AIRTABLE_SCHEMA", path.to_str().unwrap())];
    let mut world = World::with(&settings).await;
    let metadata = json!({"callback_url": "https://example.com/new"});
    let call = ended(&world, "desk", &metadata).await;
    world.stop().await;
    // As though an older version had read another address from the metadata.
    let row = world.row(&call).await.unwrap();
    let old = json!({"fields": {"Callback": "https://example.com/old"}});
    let patched = world
        .http
        .patch(format!(
            "{}/v0/{}/Calls/{}",
            world.airtable.url(),
            world.airtable.base_id(),
            text(&row, "id")
        ))
        .bearer_auth("patTest")
        .json(&old);
    assert_eq!(patched.send().await.unwrap().status(), 200);
    let place = format!("sink = 'airtable' AND call_id = '{call}'");
    let query = format!("SELECT memo FROM deliveries WHERE {place}");
    let stored = world.texts(&query).await;
    let mut state: Value = serde_json::from_str(&stored[0]).unwrap();
    state["sent"]["Callback"][1] = json!(1);
    let update = format!("UPDATE deliveries SET memo = '{state}' WHERE {place}");
    world.sql(&update).await;
    let expected = json!([{ "call_id": call, "room_name": "desk", "columns": ["Callback"] }]);
    assert_eq!(changed(&world, &["replay", "--dry-run"]).await, expected);
    assert_eq!(changed(&world, &["replay"]).await, expected);
    world.start().await;
    let new = |row: &crate::reader::Row| text(row, "Callback") == "https://example.com/new";
    world.row_where(&call, new).await;
    world.rests(&call).await;
    assert_eq!(changed(&world, &["replay", "--dry-run"]).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_in_error_is_no_change_of_the_call() {
    let world = World::with(&[MANUAL]).await;
    // The columns are known, and one of them is changed under the service.
    ended(&world, "first", &json!({})).await;
    assert!(world.airtable.change_type("Calls", "Room", "number", None));
    let call = ended(&world, "second", &json!({})).await;
    let row = world.row(&call).await.unwrap();
    let note = "Airtable rejects our values for “Room”: the column was changed.";
    assert!(text(&row, "Error").starts_with(note), "{row:#?}");
    let requests = world.airtable.requests();
    assert_eq!(changed(&world, &["replay", "--dry-run"]).await, json!([]));
    assert_eq!(changed(&world, &["replay"]).await, json!([]));
    // Whatever it had made due would be sent before this new call.
    ended(&world, "third", &json!({})).await;
    assert!(world.airtable.requests() > requests);
    assert_eq!(world.row(&call).await.unwrap(), row);
}
