//! AIRTABLE_WRITES=final: a row is written once, and then only for news. Links are renewed alone.

use serde_json::Value;

use super::Row;
use crate::{
    harness::{World, eventually},
    play::text,
    real::postgres::fresh_database,
};

const FINAL: (&str, &str) = ("AIRTABLE_WRITES", "final");

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_call_is_written_once_when_it_is_final() {
    written_once(World::with(&[FINAL]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_call_is_written_once_when_it_is_final() {
    let database = fresh_database().await;
    written_once(World::with(&[FINAL, ("DATABASE_URL", &database)]).await).await;
}

/// A call that is recorded and whose row may not be there yet; its sid.
async fn speaks(world: &World, room: &str) -> String {
    let call = world.livekit.open_room(room);
    world.livekit.join(room, crate::harness::agent());
    world
        .livekit
        .join(room, crate::harness::caller("+15551234567"));
    world.starts(room, 1).await;
    world.livekit.speak(room);
    call
}

async fn written_once(world: World) {
    let room = "desk";
    let requests = world.airtable.requests();
    let call = speaks(&world, room).await;
    world.say(&call, "Hello.").await;
    world.processed(&call, "airtable").await;
    assert_eq!(world.rows().await, [] as [Row; 0], "the room is open");
    world.livekit.close_room(room);
    let row = world.row_is(&call, "Complete").await;
    for column in [
        "Room",
        "Caller",
        "Agent",
        "Duration",
        "Recording URL",
        "Recording size",
    ] {
        assert!(row.contains_key(column), "{column}: {row:#?}");
    }
    assert_eq!(text(&row, "Transcript"), "Agent: Hello.");
    world.owed_is(&call, "done").await;
    assert_eq!(
        world.airtable.requests(),
        requests + 2,
        "the schema and one row"
    );
    world.say_and_read(&call, "Late news.").await;
    world.owed_is(&call, "done").await;
    assert_eq!(world.airtable.requests(), requests + 3, "one for the news");
    world.say(&call, "Late news.").await;
    world.say(&call, "Later news.").await;
    let later = |row: &Row| text(row, "Transcript") == "Agent: Later news.";
    world.row_where(&call, later).await;
    world.owed_is(&call, "done").await;
    assert!(
        world.airtable.requests() <= requests + 4,
        "none for what was said before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_written_live_goes_on_when_it_is_final() {
    let mut world = World::with(&[super::UNRECORDED]).await;
    let call = world.open("desk").await;
    world.stop().await;
    world.set(FINAL.0, FINAL.1);
    world.start().await;
    world.say(&call, "not yet").await;
    world.processed(&call, "airtable").await;
    assert!(!world.only_row(&call).await.contains_key("Transcript"));
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "No recording").await;
    assert_eq!(text(&row, "Transcript"), "Agent: not yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_link_is_sent_alone() {
    for writes in ["live", "final"] {
        let settings = [("RECORDING_URL_TTL", "8s"), ("AIRTABLE_WRITES", writes)];
        let world = World::with(&settings).await;
        let room = "desk";
        let call = speaks(&world, room).await;
        world.livekit.close_room(room);
        let row = world.row_is(&call, "Complete").await;
        world.owed_is(&call, "done").await;
        let record = text(&row, "id").to_owned();
        // What is not sent stays as people have it.
        let edits = [
            ("Room", "a"),
            ("Agent", "b"),
            ("Error", "c"),
            ("Transcript", "d"),
            ("Status", "Live"),
        ];
        for (column, value) in edits {
            world.edit(&record, column, value.into()).await;
        }
        let url = text(&row, "Recording URL").to_owned();
        let renewed = |row: &Row| {
            let again = row
                .get("Recording URL")
                .is_some_and(|now| *now != url.as_str());
            again && row["Recording URL expires"] != Value::Null
        };
        let there = || world.glance(&call).filter(|row| renewed(row));
        let row = eventually(there).await.expect("the link is renewed");
        for (column, value) in edits {
            assert_eq!(text(&row, column), value, "{writes}: {column}");
        }
    }
}
