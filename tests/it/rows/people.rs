//! Changes that people make to rows are kept, and their cells stay theirs.

use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};

use super::{Row, UNRECORDED};
use crate::{
    harness::{World, eventually},
    play::text,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_comes_back_whole_with_news_and_only_then() {
    let mut world = World::with(&[("RECORDING_URL_TTL", "4s")]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(world.airtable.delete_row("Calls", text(&row, "id")));
    // The URL is renewed when a quarter of its lifetime is left; the renewal finds the row missing.
    let before = world.airtable.requests();
    let renewed = || (world.airtable.requests() > before).then_some(());
    eventually(renewed).await.expect("the URL is renewed");
    world.processed(&call, "airtable").await;
    assert!(world.row(&call).await.is_none());
    // An old webhook again, with its own id and with another.
    for id in ["EV_old", "EV_old", "EV_other"] {
        let room = json!({"sid": call, "name": "desk"});
        world.hook(&json!({"event": "room_finished", "id": id, "room": room, "createdAt": "1999999999"})).await;
    }
    world.stop().await;
    world.start().await;
    world.look_again(&call).await;
    world.processed(&call, "airtable").await;
    assert!(world.row(&call).await.is_none(), "nobody had news");
    let back = world.say_and_read(&call, "news").await;
    for column in [
        "Room",
        "Status",
        "Started",
        "Ended",
        "Duration",
        "Caller",
        "Agent",
        "Recording URL",
        "Recording size",
        "Egress ID",
    ] {
        assert!(back.contains_key(column), "{column}: {back:#?}");
    }
    let audio = world
        .http
        .get(text(&back, "Recording URL"))
        .send()
        .await
        .unwrap();
    assert_eq!(audio.status(), 200, "signed anew");
}

/// As a person duplicates a row: the new record's id.
async fn duplicate(world: &World, call: &str) -> String {
    let mut fields = world.rows_of(call).await.remove(0);
    fields.remove("id");
    let body = json!({"records": [{"fields": fields}]});
    let made = world.person("POST", "Calls", &body).await;
    made["records"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_duplicates_the_remembered_row_is_written_and_without_it_a_person_decides() {
    let world = World::with(&[UNRECORDED]).await;
    let (call, other) = (world.open("twice").await, world.open("other").await);
    let first = text(&world.only_row(&call).await, "id").to_owned();
    let second = duplicate(&world, &call).await;
    world.airtable.fail_next(1, Fault::Locked(1));
    world.say(&call, "to the first").await;
    world.say_and_read(&other, "is not stopped").await;
    let said = |row: &Row, words: &str| text(row, "Transcript") == format!("Agent: {words}");
    world
        .row_where(&call, |row| said(row, "to the first"))
        .await;
    let of = |rows: Vec<Row>, id: &str| rows.into_iter().find(|row| row["id"] == id).unwrap();
    assert!(!of(world.rows_of(&call).await, &second).contains_key("Transcript"));
    // The remembered one goes, two others are left.
    let third = duplicate(&world, &call).await;
    assert!(world.airtable.delete_row("Calls", &first));
    world.say(&call, "to nobody").await;
    world.say_and_read(&other, "still not stopped").await;
    let parked = world.owed_is(&call, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(error.contains(&second) && error.contains(&third), "{error}");
    assert_eq!(world.rows_of(&call).await.len(), 2, "no third row");
    world.look_again(&call).await;
    assert_eq!(world.owed_is(&call, "parked").await["last_error"], error);
    assert!(world.airtable.delete_row("Calls", &third));
    world.look_again(&call).await;
    world.owed_is(&call, "done").await;
    let row = world.only_row(&call).await;
    assert_eq!(row["id"], second.as_str());
    assert!(said(&row, "to nobody"), "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_edited_cells_stay_until_ours_change() {
    edited_cells_stay_until_ours_change(World::with(&[UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_edited_cells_stay_until_ours_change() {
    let database = fresh_database().await;
    let settings = [UNRECORDED, ("DATABASE_URL", &database)];
    edited_cells_stay_until_ours_change(World::with(&settings).await).await;
}

async fn edited_cells_stay_until_ours_change(mut world: World) {
    let call = world.open("desk").await;
    let record = text(&world.only_row(&call).await, "id").to_owned();
    let edits = [
        ("Room", "the front desk"),
        ("Agent", "Ava, I think"),
        ("Error", "call them back"),
    ];
    for (column, value) in edits {
        world.edit(&record, column, value.into()).await;
    }
    let kept = |row: &Row, when: &str| {
        for (column, value) in edits {
            assert_eq!(text(row, column), value, "{column}, {when}");
        }
    };
    kept(&world.say_and_read(&call, "one").await, "after news");
    // It is unknown whether these were written.
    let lost = [
        Fault::AfterWrite,
        Fault::Truncated,
        Fault::Html(502),
        Fault::Status(503, "later".into()),
    ];
    for (n, fault) in lost.into_iter().enumerate() {
        world.airtable.fail_next(1, fault.clone());
        let row = world.say_and_read(&call, &format!("unanswered {n}")).await;
        kept(&row, &format!("after {fault:?}"));
        world.owed_is(&call, "done").await;
    }
    world.stop().await;
    world.start().await;
    kept(&world.say_and_read(&call, "two").await, "after a restart");
    assert!(world.airtable.rename_field("Calls", "Room", "Line"));
    assert!(world.airtable.delete_field("Calls", "Caller"));
    world.stop().await;
    world.start().await;
    world.say_and_read(&call, "three").await;
    let row = world.only_row(&call).await;
    assert_eq!(
        (text(&row, "Line"), text(&row, "Error")),
        ("the front desk", "call them back")
    );
    // Ours changes: the agent comes.
    world.livekit.join("desk", crate::harness::agent());
    world
        .row_where(&call, |row| text(row, "Agent") == "Ava")
        .await;
    assert_eq!(text(&world.only_row(&call).await, "Line"), "the front desk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_write_whose_answer_is_lost_makes_one_row() {
    for database in [None, Some(fresh_database().await)] {
        let mut settings = vec![UNRECORDED];
        settings.extend(database.as_deref().map(|url| ("DATABASE_URL", url)));
        let mut world = World::with(&settings).await;
        world.open("first").await;
        world.airtable.fail_next(2, Fault::AfterWrite);
        let call = world.livekit.open_room("lost");
        world.row_is(&call, "Live").await;
        world.stop().await;
        world.start().await;
        let row = world.say_and_read(&call, "said").await;
        assert_eq!(row["Room"], "lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_they_added_is_never_touched() {
    let world = World::with(&[UNRECORDED]).await;
    let base = world.airtable.base_id();
    let call = world.open("desk").await;
    let tables = world
        .person("GET", &format!("../meta/bases/{base}/tables"), &json!({}))
        .await;
    let table = tables["tables"][0]["id"].as_str().unwrap().to_owned();
    let field = json!({"name": "Note", "type": "singleLineText"});
    world
        .person(
            "POST",
            &format!("../meta/bases/{base}/tables/{table}/fields"),
            &field,
        )
        .await;
    let record = text(&world.only_row(&call).await, "id").to_owned();
    world.edit(&record, "Note", Value::from("ours")).await;
    world.livekit.close_room("desk");
    world.row_is(&call, "No recording").await;
    assert_eq!(world.only_row(&call).await["Note"], "ours");
}
