//! Columns and tables whose permissions in Airtable keep the token's user out.

use livekit_airtable_sim::airtable::Lock;
use serde_json::{Value, json};

use super::{Row, UNRECORDED};
use crate::{
    harness::{World, caller, eventually},
    play::text,
    process::run,
    real::postgres::fresh_database,
};

const CLICK: &str = "\"Edit field permissions\"";

impl World {
    fn lock(&self, columns: &[&str], lock: Lock) {
        for column in columns {
            assert!(self.airtable.lock_field("Calls", column, lock), "{column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_row_goes_without_its_locked_columns() {
    locked_columns(World::with(&[UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_row_goes_without_its_locked_columns() {
    let database = fresh_database().await;
    let settings = [UNRECORDED, ("DATABASE_URL", &database)];
    locked_columns(World::with(&settings).await).await;
}

async fn locked_columns(mut world: World) {
    let known = world.open("known").await;
    world.owed_is(&known, "done").await;
    world.lock(&["Room", "Started", "Transcript"], Lock::Locked);
    // A new row, and an update.
    let new = world.livekit.open_room("new");
    world.livekit.join("new", caller("+15551234567"));
    let named = |row: &Row, columns: &[&str]| {
        let error = text(row, "Error");
        error.contains(CLICK)
            && columns
                .iter()
                .all(|name| error.contains(&format!("“{name}”")))
    };
    let complete = |row: &Row| named(row, &["Room", "Started"]) && row.contains_key("Caller");
    let row = world.row_where(&new, complete).await;
    assert_eq!(row["Status"], "Live");
    assert!(!row.contains_key("Room") && !row.contains_key("Started"));
    let delivered = world.owed_is(&new, "done").await;
    assert_eq!(
        (&delivered["attempts"], &delivered["last_error"]),
        (&json!(0), &Value::Null)
    );
    world.say(&known, "locked away").await;
    world.livekit.close_room("known");
    let reported = |row: &Row| named(row, &["Transcript"]) && row["Status"] == "No recording";
    let row = world.row_where(&known, reported).await;
    assert!(!row.contains_key("Transcript"), "{row:#?}");
    assert_eq!(row["Room"], "known", "as it was");
    // That is learnt once: one request for the next row.
    let before = world.airtable.requests();
    let next = world.livekit.open_room("next");
    world.row_where(&next, |row| named(row, &["Room"])).await;
    world.owed_is(&next, "done").await;
    assert_eq!(world.airtable.requests() - before, 1);
    // Somebody allows it: a restart tries at once.
    world.lock(&["Room", "Started", "Transcript"], Lock::Open);
    world.stop().await;
    world.start().await;
    world.look_again(&new).await;
    world.look_again(&known).await;
    let whole = |row: &Row| text(row, "Error").is_empty() && row.contains_key("Room");
    assert!(world.row_where(&new, whole).await.contains_key("Started"));
    let said = |row: &Row| text(row, "Transcript") == "Agent: locked away";
    let row = world.row_where(&known, said).await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_says_which_column_and_which_click_and_frees_it_again() {
    let world = World::with(&[UNRECORDED]).await;
    let call = world.open("desk").await;
    assert!(world.airtable.rename_field("Calls", "Room", "Line"));
    world.lock(&["Line", "Transcript"], Lock::Locked);
    world.say(&call, "hidden").await;
    world
        .row_where(&call, |row| text(row, "Error").contains("“Transcript”"))
        .await;
    let settings = world.settings().to_vec();
    let bootstrap = async |args: &[&str]| {
        let args = [&["bootstrap"], args].concat();
        run(world.folder.path(), &args, &settings).await
    };
    let done = bootstrap(&[]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    for (column, name) in [("Room", "Line"), ("Transcript", "Transcript")] {
        let line = format!("! column \"{column}\": locked");
        let click = format!("open the menu of the column \"{name}\", choose {CLICK}");
        let found = done.stdout.lines().find(|found| found.contains(&line));
        assert!(
            found.is_some_and(|found| found.contains(&click)),
            "{}",
            done.stdout
        );
    }
    assert!(
        done.stdout
            .contains("Manual action needed for the columns marked !")
    );
    let checked = bootstrap(&["--check"]).await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.stdout.contains(CLICK), "{checked:?}");
    assert_eq!(world.rows().await.len(), 1, "the test row is gone");
    // Somebody allows it. The running service learns of it from bootstrap.
    world.lock(&["Line", "Transcript"], Lock::Open);
    let done = bootstrap(&[]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    world.say(&call, "shown").await;
    let shown = |row: &Row| text(row, "Transcript") == "Agent: shown";
    let row = world.row_where(&call, shown).await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_key_column_costs_no_update() {
    let mut world = World::with(&[UNRECORDED]).await;
    let call = world.open("desk").await;
    world.lock(&["Call ID"], Lock::Locked);
    let new = world.livekit.open_room("new");
    let parked = world.owed_is(&new, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(
        error.contains(CLICK) && error.contains("Call ID"),
        "{error}"
    );
    world.say_and_read(&call, "goes on").await;
    // A rewrite would send the key, too.
    world.redrive(false).await;
    world.owed_is(&call, "done").await;
    world.lock(&["Call ID"], Lock::Open);
    world.look_again(&new).await;
    world.row_is(&new, "Live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_pauses_and_names_its_permission() {
    let mut world = World::with(&[UNRECORDED]).await;
    assert!(world.airtable.lock_table("Calls", Lock::Locked));
    let call = world.livekit.open_room("desk");
    let parked = world.owed_is(&call, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(error.contains("table permission"), "{error}");
    assert!(error.contains("\"Edit table permissions\""), "{error}");
    assert!(!error.contains("scope"), "{error}");
    let ready: Value = world.get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["paused"]["airtable"]["error"], error);
    assert!(world.airtable.lock_table("Calls", Lock::Open));
    world.stop().await;
    world.start().await;
    world.row_is(&call, "Live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_no_new_rows_is_updated() {
    let world = World::with(&[UNRECORDED]).await;
    let known = world.open("known").await;
    assert!(world.airtable.lock_table("Calls", Lock::Locked));
    let new = world.livekit.open_room("new");
    let parked = world.owed_is(&new, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(
        error.contains("table permission") && !error.contains("scope"),
        "{error}"
    );
    world.say_and_read(&known, "goes on").await;
    assert!(world.row(&new).await.is_none());
    assert!(world.airtable.lock_table("Calls", Lock::Open));
    let there = || world.glance(&new);
    assert!(eventually(there).await.is_some(), "it is tried by itself");
}
