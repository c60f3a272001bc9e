//! Columns that come back: rows that were written without them are completed. And refusals that name several columns.

use livekit_airtable_sim::airtable::{Fault, Lock};
use serde_json::{Value, json};

use super::{Row, UNRECORDED, choices};
use crate::{
    harness::{World, agent, caller},
    play::text,
    process::run,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_unlocked_columns_are_written_into_finished_rows() {
    unlocked(World::with(&[UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_unlocked_columns_are_written_into_finished_rows() {
    let database = fresh_database().await;
    let settings = [UNRECORDED, ("DATABASE_URL", &database)];
    unlocked(World::with(&settings).await).await;
}

/// Calls that have ended while a column took no values; the second has none for it.
async fn ended_without(world: &World, column: &str) -> [String; 2] {
    let calls = [world.open("spoken").await, world.open("silent").await];
    world.say(&calls[0], "Hello.").await;
    let named = format!("“{column}”");
    for (call, room) in calls.iter().zip(["spoken", "silent"]) {
        world.livekit.close_room(room);
        let without =
            |row: &Row| row["Status"] == "No recording" && text(row, "Error").contains(&named);
        let reported = world.row_where(call, |row| row["Status"] == "No recording" && without(row));
        assert!(!reported.await.contains_key(column));
        world.owed_is(call, "done").await;
    }
    calls
}

async fn completed(world: &World, calls: &[String; 2]) {
    let said =
        |row: &Row| text(row, "Transcript") == "Agent: Hello." && text(row, "Error").is_empty();
    world.row_where(&calls[0], said).await;
    world
        .row_where(&calls[1], |row| text(row, "Error").is_empty())
        .await;
}

async fn unlocked(mut world: World) {
    let lock = |world: &World, lock| world.airtable.lock_field("Calls", "Transcript", lock);
    assert!(lock(&world, Lock::Locked));
    let known = world.open("known").await;
    world.say(&known, "found out").await;
    world
        .row_where(&known, |row| text(row, "Error").contains("“Transcript”"))
        .await;
    let calls = ended_without(&world, "Transcript").await;
    // `bootstrap` finds it unlocked.
    assert!(lock(&world, Lock::Open));
    let settings = world.settings().to_vec();
    let done = run(world.folder.path(), &["bootstrap"], &settings).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    completed(&world, &calls).await;
    // The service finds it out itself: the next row has a value for it.
    assert!(lock(&world, Lock::Locked));
    world.say(&known, "locked again").await;
    world
        .row_where(&known, |row| text(row, "Error").contains("“Transcript”"))
        .await;
    let calls = ended_without(&world, "Transcript").await;
    assert!(lock(&world, Lock::Open));
    world.stop().await;
    world.start().await;
    world.say_and_read(&known, "open").await;
    completed(&world, &calls).await;
    // A restart tries it although no row changes.
    assert!(lock(&world, Lock::Locked));
    world.say(&known, "locked once more").await;
    world
        .row_where(&known, |row| text(row, "Error").contains("“Transcript”"))
        .await;
    let calls = ended_without(&world, "Transcript").await;
    assert!(lock(&world, Lock::Open));
    world.stop().await;
    world.start().await;
    completed(&world, &calls).await;
    world
        .row_where(&known, |row| {
            text(row, "Transcript") == "Agent: locked once more"
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_that_found_a_column_locked_is_completed_by_itself() {
    let mut world = World::with(&[UNRECORDED]).await;
    assert!(world.airtable.lock_field("Calls", "Room", Lock::Locked));
    let call = world.livekit.open_room("desk");
    world.livekit.close_room("desk");
    let reported =
        |row: &Row| row["Status"] == "No recording" && text(row, "Error").contains("“Room”");
    world.row_where(&call, reported).await;
    world.owed_is(&call, "done").await;
    // It is due within the hour, without a change of the call.
    let mut database = world.connected().await;
    let due = "SELECT COUNT(*) FROM deliveries WHERE sink = 'airtable' AND call_id = $1 AND due_at < 9000000000000";
    let due = sqlx::query_scalar::<_, i64>(due).bind(call.clone());
    assert_eq!(due.fetch_one(&mut database).await.unwrap(), 1);
    assert!(world.airtable.lock_field("Calls", "Room", Lock::Open));
    world.stop().await;
    world.start().await;
    world.look_again(&call).await;
    let whole = |row: &Row| text(row, "Error").is_empty() && row.contains_key("Room");
    world.row_where(&call, whole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_has_its_type_again_is_written_into_finished_rows() {
    let mut world = World::with(&[UNRECORDED]).await;
    world.open("first").await;
    let one = choices(&["none of ours"]);
    assert!(
        world
            .airtable
            .change_type("Calls", "Transcript", "singleSelect", one)
    );
    let known = world.open("known").await;
    world.say(&known, "found out").await;
    world
        .row_where(&known, |row| text(row, "Error").contains("“Transcript”"))
        .await;
    let calls = ended_without(&world, "Transcript").await;
    assert!(
        world
            .airtable
            .change_type("Calls", "Transcript", "multilineText", None)
    );
    world.stop().await;
    world.start().await;
    world.say_and_read(&known, "open").await;
    completed(&world, &calls).await;
}

/// The IDs of the columns of Calls, by name.
async fn field_ids(world: &World) -> Value {
    let path = format!("meta/bases/{}/tables", world.airtable.base_id());
    let url = format!("{}/v0/{path}", world.airtable.url());
    let request = world.http.get(url).bearer_auth("patPerson");
    let tables: Value = request.send().await.unwrap().json().await.unwrap();
    let tables = tables["tables"].as_array().unwrap();
    let calls = tables
        .iter()
        .find(|table| table["name"] == "Calls")
        .unwrap();
    let fields = calls["fields"].as_array().unwrap().iter();
    let pairs = fields.map(|field| {
        (
            field["name"].as_str().unwrap().to_owned(),
            field["id"].clone(),
        )
    });
    Value::Object(pairs.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_may_name_several_locked_columns() {
    let wordings = [
        r#"You are not permitted to perform this operation because the fields "Room" (ROOM), "Nowhere" and "Started" (STARTED) have been configured to limit who can perform this operation"#,
        r#"You are not permitted to perform this operation because the field "Nowhere", the field "Room" and the field "Started" have been configured to limit who can perform this operation"#,
        "You are not permitted to perform this operation because the fields Nowhere, Room and Started have been configured to limit who can perform this operation",
        "The following fields have been configured to limit who can perform this operation: ROOM, STARTED",
        r#"You do not have permission to edit the columns 'Room' and 'Started' of table "Calls""#,
        r#"In table "Calls", the fields “Room” and “Started” are locked"#,
    ];
    for words in wordings {
        let world = World::with(&[UNRECORDED]).await;
        let known = world.open("known").await;
        world.owed_is(&known, "done").await;
        let ids = field_ids(&world).await;
        let id = |column: &str| ids[column].as_str().unwrap().to_owned();
        let words = words
            .replace("ROOM", &id("Room"))
            .replace("STARTED", &id("Started"));
        let body = json!({"error": {"type": "INVALID_PERMISSIONS", "message": words}});
        world
            .airtable
            .fail_next(1, Fault::Status(403, body.to_string()));
        let before = world.airtable.requests();
        let new = world.livekit.open_room("new");
        let reported = |row: &Row| {
            let error = text(row, "Error");
            error.contains("“Room”") && error.contains("“Started”")
        };
        let row = world.row_where(&new, reported).await;
        assert!(
            !row.contains_key("Room") && !row.contains_key("Started"),
            "{words}"
        );
        world.owed_is(&new, "done").await;
        let requests = world.airtable.requests() - before;
        assert!(requests <= 3, "{requests} requests: {words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlocked_column_for_links_gets_its_link() {
    let mut world = World::with(&[]).await;
    assert!(
        world
            .airtable
            .lock_field("Calls", "Recording URL", Lock::Locked)
    );
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    world.starts("desk", 1).await;
    world.livekit.speak("desk");
    world.livekit.close_room("desk");
    let reported =
        |row: &Row| row["Status"] == "Complete" && text(row, "Error").contains("“Recording URL”");
    let row = world.row_where(&call, reported).await;
    assert!(!row.contains_key("Recording URL"), "{row:#?}");
    world.owed_is(&call, "done").await;
    // A check meanwhile changes nothing.
    world.look_again(&call).await;
    assert!(
        world
            .airtable
            .lock_field("Calls", "Recording URL", Lock::Open)
    );
    world.stop().await;
    world.start().await;
    world.look_again(&call).await;
    let linked = |row: &Row| row.contains_key("Recording URL") && text(row, "Error").is_empty();
    world.row_where(&call, linked).await;
}
