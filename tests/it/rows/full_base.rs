//! A base that has no room for more rows: those that are there go on.

use serde_json::json;

use livekit_airtable_sim::airtable::Fault;

use super::{Row, UNRECORDED, refusals::ten_calls};
use crate::{
    harness::{World, eventually},
    mirror::Receiver,
    play::text,
    real::postgres::fresh_database,
};

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_new_rows_wait_and_others_are_updated() {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [UNRECORDED, ("ALERT_WEBHOOK_URL", &url)];
    full(World::with(&settings).await, receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_new_rows_wait_and_others_are_updated() {
    let (receiver, url) = Receiver::start(&[]).await;
    let database = fresh_database().await;
    let settings = [
        UNRECORDED,
        ("ALERT_WEBHOOK_URL", &url),
        ("DATABASE_URL", &database),
    ];
    full(World::with(&settings).await, receiver).await;
}

/// The first alert with these words.
async fn alerted(receiver: &Receiver, words: &str) -> Option<String> {
    let reported = || {
        let came = receiver.came().into_iter();
        let mut texts = came.map(|(_, body)| String::from_utf8_lossy(&body).into_owned());
        texts.find(|text| text.contains(words))
    };
    eventually(reported).await
}

async fn full(world: World, receiver: Receiver) {
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    world.airtable.limit_records(Some(10));
    let new: Vec<String> = (0..12)
        .map(|n| world.livekit.open_room(&format!("new-{n}")))
        .collect();
    for call in &new {
        let parked = world.owed_is(call, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        for words in [
            "no room for more records",
            "delete rows",
            "upgrade",
            "record limit",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
    for call in &calls {
        world.say_and_read(call, "goes on").await;
        world.owed_is(call, "done").await;
    }
    // Rows that come meanwhile cost no request.
    let before = world.airtable.requests();
    let late = world.livekit.open_room("late");
    world.owed_is(&late, "parked").await;
    assert!(world.airtable.requests() - before <= 6, "one probe at most");
    let reported = alerted(&receiver, "Airtable creates no new rows").await;
    let alert = reported.expect("an alert");
    assert!(
        alert.contains("delete rows") && alert.contains("redrive"),
        "{alert}"
    );
    // Somebody makes room for some, and then for all.
    world.airtable.limit_records(Some(14));
    let four = || (world.airtable.rows("Calls").len() >= 14).then_some(());
    // After 30 s, a minute, two: how many have passed depends on the machine.
    for _ in 0..5 {
        if eventually(four).await.is_some() {
            break;
        }
    }
    assert_eq!(world.rows().await.len(), 14);
    world.airtable.limit_records(None);
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    for call in new.iter().chain([&late]) {
        world.row_is(call, "Live").await;
        world.owed_is(call, "done").await;
    }
    let over = alerted(&receiver, "Airtable created no new rows").await;
    assert!(over.is_some(), "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_airtable_calls_it_a_refused_create_is_no_dead_letter() {
    let refusals = [
        (
            403,
            "INVALID_PERMISSIONS",
            "insufficient privileges to create row",
        ),
        (422, "BASE_LIMIT_CHECK_FAILED", ""),
        (402, "PAYMENT_REQUIRED", "Please upgrade"),
        (
            400,
            "CANNOT_CREATE_RECORDS",
            "You've hit the maximum number of records on your plan",
        ),
        (429, "RECORD_LIMIT_EXCEEDED", "m"),
    ];
    for (status, kind, message) in refusals {
        let world = World::with(&[UNRECORDED]).await;
        let known = world.open("known").await;
        world.owed_is(&known, "done").await;
        let body = json!({"error": {"type": kind, "message": message}}).to_string();
        world.airtable.fail_next(1, Fault::Status(status, body));
        let new = world.livekit.open_room("new");
        let parked = world.owed_is(&new, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        assert!(error.contains(kind), "{error}");
        assert!(world.livekit.open_room("newer") != new);
        world.say_and_read(&known, "goes on").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_can_be_written_the_sink_is_paused() {
    let world = World::with(&[UNRECORDED]).await;
    let known = world.open("known").await;
    world.owed_is(&known, "done").await;
    let words = "This base has reached its record limit. Upgrade your plan to add more records.";
    let body = json!({"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": words}}).to_string();
    world.airtable.fail_next(1000, Fault::Status(422, body));
    let new = world.livekit.open_room("new");
    world.owed_is(&new, "parked").await;
    let ready: serde_json::Value = world.get("/readyz").await.json().await.unwrap();
    let error = ready["paused"]["airtable"]["error"].as_str().unwrap();
    assert!(error.contains("record limit"), "{error}");
    let row: Row = world.row(&known).await.unwrap();
    assert_eq!(text(&row, "Room"), "known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_base_without_words_for_it_is_recognized_by_what_works() {
    let world = World::with(&[UNRECORDED]).await;
    let known = world.open("known").await;
    world.owed_is(&known, "done").await;
    world.airtable.limit_records(Some(1));
    let words = "Invalid request: parameter validation failed. Check your request data.";
    world.airtable.call_full("INVALID_REQUEST_UNKNOWN", words);
    let new = world.livekit.open_room("new");
    let parked = world.owed_is(&new, "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(
        error.contains("new rows are refused") && error.contains(words),
        "{error}"
    );
    world.say_and_read(&known, "goes on").await;
    world.airtable.limit_records(None);
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    world.row_is(&new, "Live").await;
    // A row that is refused for what it says is no full base, and leaves nothing behind.
    world.airtable.refuse_text("poisoned");
    let poisoned = world.livekit.open_room("poisoned");
    world.owed_is(&poisoned, "dead").await;
    assert!(world.row(&poisoned).await.is_none());
    let next = world.livekit.open_room("next");
    world.row_is(&next, "Live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_wordings_of_a_full_base_are_understood() {
    let limit = "Your workspace exceeds the limit of 1,000 records per base on the Free plan";
    for (status, body) in [
        (422, json!({ "error": "MAX_ROWS_EXCEEDED" })),
        (
            403,
            json!({ "error": { "type": "BILLING_LIMIT", "message": limit } }),
        ),
    ] {
        let (receiver, url) = Receiver::start(&[]).await;
        let world = World::with(&[UNRECORDED, ("ALERT_WEBHOOK_URL", &url)]).await;
        let known = world.open("known").await;
        world.owed_is(&known, "done").await;
        let refusal = Fault::Status(status, body.to_string());
        world.airtable.fail_next(1, refusal);
        let new = world.livekit.open_room("new");
        let parked = world.owed_is(&new, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        assert!(error.contains("no room for more records"), "{error}");
        let alert = alerted(&receiver, "no room for more records")
            .await
            .unwrap();
        assert!(!alert.contains(".. "), "{alert}");
    }
}
