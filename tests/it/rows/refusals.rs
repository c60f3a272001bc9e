//! Values that Airtable rejects have the smallest possible effect.

use std::time::Duration;

use livekit_airtable_sim::airtable::Fault;
use serde_json::json;

use super::{Row, UNRECORDED, choices};
use crate::{
    harness::{World, eventually},
    play::text,
    reader,
};

/// Ten calls whose rows are there.
pub(super) async fn ten_calls(world: &World, name: impl Fn(usize) -> String) -> Vec<String> {
    let calls: Vec<String> = (0..10).map(|n| world.livekit.open_room(&name(n))).collect();
    for call in &calls {
        world.row_is(call, "Live").await;
        world.owed_is(call, "done").await;
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_good_rows_land_in_few_requests_and_the_bad_one_is_reported_word_for_word() {
    let mut world = World::with(&[UNRECORDED]).await;
    let name = |n| {
        if n == 6 {
            "poisoned".into()
        } else {
            format!("good-{n}")
        }
    };
    let calls = ten_calls(&world, name).await;
    world.airtable.refuse_text("poisoned");
    for forget in [false, true] {
        for call in &calls {
            let record = text(&world.only_row(call).await, "id").to_owned();
            world.edit(&record, "Room", json!("edited")).await;
        }
        let before = world.airtable.requests();
        world.redrive(forget).await;
        let dead = world.owed_is(&calls[6], "dead").await;
        for (n, call) in calls.iter().enumerate().filter(|(n, _)| *n != 6) {
            world.owed_is(call, "done").await;
            assert_eq!(world.row(call).await.unwrap()["Room"], format!("good-{n}"));
        }
        let words = "422 INVALID_REQUEST_UNKNOWN: Invalid request: parameter validation failed. Check your request data.";
        assert_eq!(dead["last_error"], words);
        assert_eq!(world.row(&calls[6]).await.unwrap()["Room"], "edited");
        // The schema, ten, two halves, and down to the one; without a record it is asked whether there are two.
        let asked = world.airtable.requests() - before;
        assert!(asked <= 10 + u64::from(forget), "{asked} requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_people_removed_costs_the_cell_and_is_learnt_once() {
    let mut world = World::with(&[UNRECORDED]).await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    let left = choices(&["Live", "Processing", "Complete", "Failed"]);
    assert!(
        world
            .airtable
            .change_type("Calls", "Status", "singleSelect", left)
    );
    let before = world.airtable.requests();
    for n in 0..10 {
        world.livekit.close_room(&format!("room-{n}"));
    }
    for call in &calls {
        let ended = |row: &Row| row.contains_key("Ended") && row.contains_key("Error");
        let row = world.row_where(call, ended).await;
        assert_eq!(row["Status"], "Live", "as it was");
        let error = text(&row, "Error");
        assert!(error.contains("“Status”"), "{error}");
        assert_eq!(world.owed_is(call, "done").await["last_error"], json!(null));
    }
    let asked = world.airtable.requests() - before;
    assert!(
        asked <= 30,
        "{asked} requests for ten rows: not learnt once"
    );
    // The next call is written without asking again whether the column takes it.
    let before = world.airtable.requests();
    let next = world.livekit.open_room("next");
    world
        .row_where(&next, |row| text(row, "Error").contains("“Status”"))
        .await;
    assert_eq!(world.airtable.requests() - before, 1);
    // And that is known after a restart, which reads the schema.
    world.stop().await;
    world.start().await;
    let before = world.airtable.requests();
    let last = world.livekit.open_room("last");
    world
        .row_where(&last, |row| text(row, "Error").contains("“Status”"))
        .await;
    assert_eq!(world.airtable.requests() - before, 2);
    repaired(&mut world, &calls[0]).await;
}

/// The choice is there again: the rows get it, and Error is empty.
async fn repaired(world: &mut World, call: &str) {
    let all = choices(&["Live", "Processing", "Complete", "No recording", "Failed"]);
    assert!(
        world
            .airtable
            .change_type("Calls", "Status", "singleSelect", all)
    );
    world.stop().await;
    world.start().await;
    world.look_again(call).await;
    let row = world.row_is(call, "No recording").await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_a_type_that_takes_nothing_of_ours_costs_the_cell() {
    let mut world = World::with(&[]).await;
    world.open("first").await;
    assert!(
        world
            .airtable
            .change_type("Calls", "Recording size", "formula", None)
    );
    assert!(
        world
            .airtable
            .change_type("Calls", "Room", "multilineText", None)
    );
    assert!(world.airtable.rename_field("Calls", "Agent", "Who"));
    assert!(world.airtable.change_type("Calls", "Who", "checkbox", None));
    let (call, _) = world.talk("call").await;
    world.livekit.close_room("call");
    let reported =
        |row: &Row| row.get("Status").is_some_and(|s| s == "Complete") && row.contains_key("Error");
    let row = world.row_where(&call, reported).await;
    let error = text(&row, "Error");
    assert!(
        error.contains("“Agent”") && error.contains("“Recording size”"),
        "{error}"
    );
    assert!(!error.contains("“Room”"), "{error}");
    assert_eq!(row["Room"], "call", "another type that takes our values");
    assert!(
        row.contains_key("Recording URL") && row.contains_key("Duration"),
        "{row:#?}"
    );
    world.stop().await;
    world.start().await;
    let next = world.livekit.open_room("after a restart");
    let row = world
        .row_where(&next, |row| row.contains_key("Error"))
        .await;
    assert_eq!(row["Room"], "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_column_of_another_type_kills_no_row() {
    let mut world = World::with(&[UNRECORDED]).await;
    world.open("first").await;
    assert!(
        world
            .airtable
            .change_type("Calls", "Call ID", "formula", None)
    );
    let call = world.livekit.open_room("desk");
    let parked = world.owed_is(&call, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(
        error.contains("is formula and must be singleLineText"),
        "{error}"
    );
    assert!(
        world
            .airtable
            .change_type("Calls", "Call ID", "singleLineText", None)
    );
    // A probe comes after a minute, or with a restart.
    world.stop().await;
    world.start().await;
    world.look_again(&call).await;
    world.row_is(&call, "Live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_column_and_table_go_on_and_a_deleted_column_is_left_out() {
    let mut world = World::with(&[UNRECORDED]).await;
    let call = world.open("desk").await;
    assert!(
        world
            .airtable
            .rename_field("Calls", "Transcript", "What was said")
    );
    assert!(world.airtable.delete_field("Calls", "Room"));
    let tables = world.person("GET", "../meta/bases", &json!({})).await;
    assert!(tables["bases"].is_array());
    rename_table(&world, "Phone calls").await;
    for restarts in 0..2 {
        if restarts == 1 {
            world.stop().await;
            world.start().await;
        }
        let words = format!("said {restarts}");
        world.say(&call, &words).await;
        let said = format!("Agent: {words}");
        let row = named_anew(&world, "What was said", &said).await;
        assert_eq!(
            text(&row, "Error"),
            "",
            "a deleted column is nothing that is wrong with the call"
        );
    }
    let next = world.livekit.open_room("next");
    let row = named_anew(&world, "Call ID", &next).await;
    assert_eq!(
        (row["Status"].as_str(), row.get("Room")),
        (Some("Live"), None)
    );
}

/// The first row with this value in this column of the table that has another name now.
async fn named_anew(world: &World, column: &str, value: &str) -> Row {
    let there = |row: &Row| row.get(column).is_some_and(|cell| cell == value);
    let written = || {
        let rows = world.airtable.rows("Phone calls");
        rows.iter().any(there).then_some(())
    };
    let written = eventually(written).await;
    written.unwrap_or_else(|| panic!("no row has {value} in {column}"));
    let read = reader::rows_with(&world.airtable, "Phone calls", column, value).await;
    read.into_iter().find(there).unwrap()
}

async fn rename_table(world: &World, name: &str) {
    let base = world.airtable.base_id();
    let tables = world
        .person("GET", &format!("../meta/bases/{base}/tables"), &json!({}))
        .await;
    let table = tables["tables"][0]["id"].as_str().unwrap();
    let path = format!("../meta/bases/{base}/tables/{table}");
    world.person("PATCH", &path, &json!({"name": name})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_tried_again_at_once_and_a_column_made_again_is_filled() {
    let world = World::with(&[UNRECORDED]).await;
    let call = world.open("desk").await;
    assert!(world.airtable.delete_field("Calls", "Transcript"));
    assert!(world.airtable.delete_field("Calls", "Room"));
    world.say(&call, "lost").await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "No recording").await;
    assert!(!row.contains_key("Transcript"), "{row:#?}");
    assert_eq!(
        world.owed_is(&call, "done").await["attempts"],
        0,
        "no failure"
    );
    // People run bootstrap: the columns are made again, with other ids.
    let made = world.program(&["bootstrap"]);
    assert!(made.status.success(), "{made:?}");
    world.say(&call, "heard").await;
    let row = world
        .row_where(&call, |row| text(row, "Transcript") == "Agent: heard")
        .await;
    assert_eq!(
        row["Room"], "desk",
        "it was sent to a column that is no more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_in_one_batch_learn_of_a_column_with_one_refusal() {
    let mut world = World::with(&[UNRECORDED]).await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    assert!(world.airtable.change_type("Calls", "Room", "formula", None));
    let before = world.airtable.requests();
    world.redrive(false).await;
    for call in &calls {
        let row = world.row_where(call, |row| row.contains_key("Error")).await;
        assert!(text(&row, "Error").contains("“Room”"));
        world.owed_is(call, "done").await;
    }
    assert_eq!(
        world.airtable.requests() - before,
        3,
        "schema, refusal, ten rows"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_is_halved() {
    let mut world = World::with(&[UNRECORDED]).await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    world.airtable.fail_next(1, Fault::Slow(Duration::ZERO)); // the schema
    world
        .airtable
        .fail_next(1, Fault::Status(413, "too large".into()));
    let before = world.airtable.requests();
    world.redrive(false).await;
    for call in &calls {
        assert_eq!(world.owed_is(call, "done").await["attempts"], 0);
    }
    assert_eq!(world.airtable.requests() - before, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_rows_go_in_requests_below_a_megabyte() {
    let mut world = World::with(&[UNRECORDED]).await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    // Three bytes a unit: ten such cells are three megabytes.
    let words = "話".repeat(98_000);
    for call in &calls {
        world.say(call, &words).await;
        world
            .row_where(call, |row| text(row, "Transcript").ends_with('話'))
            .await;
        world.owed_is(call, "done").await;
    }
    let before = world.airtable.requests();
    world.redrive(true).await;
    for call in &calls {
        assert_eq!(world.owed_is(call, "done").await["attempts"], 0);
        assert_eq!(
            text(&world.only_row(call).await, "Transcript"),
            format!("Agent: {words}")
        );
    }
    // The schema, then three rows a request. One that was refused for its size would be more.
    assert_eq!(world.airtable.requests() - before, 1 + 4);
}
