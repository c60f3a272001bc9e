//! One call's value that Airtable does not take, in a column that is as it should be.

use livekit_airtable_sim::airtable::Fault;
use serde_json::json;
use tempfile::TempDir;

use super::{Row, UNRECORDED, refusals::ten_calls};
use crate::{harness::World, play::text};

const STARS: &str = r#"
[[columns]]
name = "Stars"
type = "rating"
from = "report.stars"
options = { max = 5, icon = "star", color = "yellowBright" }
"#;

async fn rate(world: &World, call: &str, words: &str, stars: u64) {
    let turns = json!([{"speaker": "agent", "text": words}]);
    let report = json!({"room_id": call, "turns": turns, "stars": stars});
    let answer = world.post("/v1/transcripts", &report).await;
    assert_eq!(answer.status(), 202);
}

/// The file allows five stars, the base three.
async fn with_stars() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("columns.toml");
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    std::fs::write(&path, schema + STARS).unwrap();
    let schema = ("AIRTABLE_SCHEMA", path.to_str().unwrap());
    let world = World::with(&[UNRECORDED, schema]).await;
    let three = Some(json!({"max": 3, "icon": "star", "color": "yellowBright"}));
    assert!(
        world
            .airtable
            .change_type("Calls", "Stars", "rating", three)
    );
    (world, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_airtable_refuses_costs_its_cell_and_no_other_row() {
    let (mut world, _folder) = with_stars().await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    for (n, call) in calls.iter().enumerate() {
        rate(&world, call, "first", if n == 6 { 5 } else { 2 }).await;
    }
    for redriven in [false, true] {
        if redriven {
            world.redrive(false).await;
        }
        for (n, call) in calls.iter().enumerate() {
            let row = world
                .row_where(call, |row| text(row, "Transcript") == "Agent: first")
                .await;
            world.owed_is(call, "done").await;
            let (stars, error) = match n {
                6 => (
                    None,
                    "Airtable rejects this call's value for “Stars”; the previous value is kept.",
                ),
                _ => (Some(&json!(2)), ""),
            };
            assert_eq!((row.get("Stars"), text(&row, "Error")), (stars, error));
        }
    }
    // It is known: nothing is asked again, until it is another value.
    let bad = &calls[6];
    let before = world.airtable.requests();
    rate(&world, bad, "second", 5).await;
    let second = |row: &Row| text(row, "Transcript") == "Agent: second";
    let row = world.row_where(bad, second).await;
    assert!(text(&row, "Error").contains("“Stars”"), "{row:#?}");
    assert_eq!(world.airtable.requests() - before, 1);
    rate(&world, bad, "second", 3).await;
    let row = world.row_where(bad, |row| row.contains_key("Stars")).await;
    assert_eq!((&row["Stars"], text(&row, "Error")), (&json!(3), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_refuses_every_value_is_left_out_until_a_restart() {
    let (mut world, _folder) = with_stars().await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    for call in &calls {
        rate(&world, call, "first", 5).await;
        world
            .row_where(call, |row| text(row, "Error").contains("this call's value"))
            .await;
        world.owed_is(call, "done").await;
    }
    let before = world.airtable.requests();
    world.redrive(false).await;
    let mut left_out = 0;
    for call in &calls {
        world.owed_is(call, "done").await;
        let error = text(&world.row(call).await.unwrap(), "Error").to_owned();
        assert!(error.contains("“Stars”"), "{error}");
        left_out += usize::from(error.contains("our values"));
    }
    assert_eq!(left_out, 8, "of two it was thought to be theirs alone");
    let asked = world.airtable.requests() - before;
    assert!(asked <= 20, "{asked} requests for ten rows");
    world.stop().await;
    world.start().await;
    rate(&world, &calls[0], "second", 2).await;
    let row = world
        .row_where(&calls[0], |row| row.contains_key("Stars"))
        .await;
    assert_eq!((&row["Stars"], text(&row, "Error")), (&json!(2), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_row_that_is_called_missing_is_not_sent_for_ever() {
    let world = World::with(&[UNRECORDED]).await;
    world.open("first").await;
    let missing = json!({"error": {"type": "ROW_DOES_NOT_EXIST", "message": "Record ID recX does not exist"}});
    let missing = Fault::Status(422, missing.to_string());
    world.airtable.fail_next(1000, missing);
    let before = world.airtable.requests();
    let call = world.livekit.open_room("desk");
    let dead = world.owed_is(&call, "dead").await;
    let error = dead["last_error"].as_str().unwrap();
    assert!(error.contains("ROW_DOES_NOT_EXIST"), "{error}");
    assert_eq!(world.airtable.requests() - before, 1);
}
