//! A proxy or firewall between the service and Airtable that dislikes what is written.

use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};

use super::{Row, UNRECORDED, refusals::ten_calls};
use crate::{
    harness::{World, eventually},
    play::text,
    real::postgres::fresh_database,
};

const DISLIKED: &str = "; DROP TABLE calls --";

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_one_disliked_sentence_parks_one_call() {
    one_sentence(World::with(&[UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_one_disliked_sentence_parks_one_call() {
    let database = fresh_database().await;
    let settings = [UNRECORDED, ("DATABASE_URL", &database)];
    one_sentence(World::with(&settings).await).await;
}

async fn one_sentence(mut world: World) {
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    let words = |n: usize| match n {
        6 => format!("good{DISLIKED}"),
        n => format!("good {n}"),
    };
    // All in one batch.
    world.stop().await;
    world.airtable.stop_text(DISLIKED);
    world.start().await;
    for (n, call) in calls.iter().enumerate() {
        world.say(call, &words(n)).await;
    }
    let parked = world.owed_is(&calls[6], "parked").await;
    let error = parked["last_error"].as_str().unwrap();
    assert!(
        error.contains("proxy or firewall") && error.contains("403"),
        "{error}"
    );
    assert!(
        !error.contains("scope") && !error.contains("DROP"),
        "{error}"
    );
    for (n, call) in calls.iter().enumerate().filter(|(n, _)| *n != 6) {
        let said = format!("Agent: {}", words(n));
        world
            .row_where(call, |row| text(row, "Transcript") == said)
            .await;
        world.owed_is(call, "done").await;
    }
    let ready: Value = world.get("/readyz").await.json().await.unwrap();
    assert_eq!(ready["paused"], json!({}));
    // A batch in which it is due again costs the others nothing.
    world.redrive(false).await;
    for (n, call) in calls.iter().enumerate() {
        world
            .owed_is(call, if n == 6 { "parked" } else { "done" })
            .await;
    }
    world.airtable.stop_no_text();
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    let said = format!("Agent: {}", words(6));
    world
        .row_where(&calls[6], |row: &Row| text(row, "Transcript") == said)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_that_is_not_airtables_is_distinguished_from_airtables_own() {
    let answers = [
        (
            403,
            json!({"message": "Forbidden by rule 942100"}).to_string(),
        ),
        (400, "<html>Bad request</html>".to_owned()),
        (406, "Not Acceptable".to_owned()),
        (404, String::new()),
        (422, json!({"error": "Request blocked"}).to_string()),
        (451, "<html></html>".to_owned()),
    ];
    for (status, body) in answers {
        let world = World::with(&[UNRECORDED]).await;
        world.open("known").await;
        world.airtable.fail_next(1, Fault::Status(status, body));
        let call = world.livekit.open_room("disliked");
        let parked = world.owed_is(&call, "parked").await;
        let error = parked["last_error"].as_str().unwrap();
        let status = status.to_string();
        assert!(
            error.contains("proxy or firewall") && error.contains(&status),
            "{error}"
        );
        assert!(!error.contains("942100"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_reads_as_well_pauses_the_sink() {
    let world = World::with(&[UNRECORDED]).await;
    let call = world.open("desk").await;
    world.owed_is(&call, "done").await;
    world.airtable.fail_next(1000, Fault::Html(403));
    world.say(&call, "waits").await;
    world.owed_is(&call, "parked").await;
    let ready: Value = world.get("/readyz").await.json().await.unwrap();
    let error = ready["paused"]["airtable"]["error"].as_str().unwrap();
    assert!(
        error.contains("403") && error.contains("AIRTABLE_TOKEN"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_every_write_pauses_the_sink() {
    let mut world = World::with(&[UNRECORDED]).await;
    let calls = ten_calls(&world, |n| format!("room-{n}")).await;
    world.airtable.stop_text("records");
    world.redrive(false).await;
    let paused = async || {
        let ready: Value = world.get("/readyz").await.json().await.unwrap();
        ready["paused"]["airtable"]["error"]
            .as_str()
            .map(str::to_owned)
    };
    let mut error = None;
    for _ in 0..3000 {
        error = paused().await;
        if error.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let error = error.expect("the sink is paused");
    assert!(error.contains("refuses every write"), "{error}");
    world.airtable.stop_no_text();
    let done = world.program(&["redrive"]);
    assert!(done.status.success(), "{done:?}");
    for call in &calls {
        world.owed_is(call, "done").await;
    }
    let there = || (world.airtable.rows("Calls").len() == 10).then_some(());
    assert!(eventually(there).await.is_some());
}
