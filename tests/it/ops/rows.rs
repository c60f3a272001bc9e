//! The row of a call beside the row as Airtable has it, and where the links of a call's page lead.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::visitor::Visitor;
use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    real::postgres::fresh_database,
};

async fn complete_call(world: &World) -> (String, String) {
    let (call, egress) = world.talk("front").await;
    let report =
        json!({"room_name": "front", "turns": [{"speaker": "agent", "text": "The zebra."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    world.livekit.close_room("front");
    world
        .row_where(&call, |row| {
            row.get("Status").is_some_and(|it| it == "Complete") && row.contains_key("Transcript")
        })
        .await;
    all_delivered(world, &call).await;
    (call, egress)
}

/// Waits until every delivery of the call is done: nothing is sent to Airtable by itself any more.
pub(super) async fn all_delivered(world: &World, call: &str) {
    let asked = Instant::now();
    loop {
        let answer = world.get(&format!("/v1/calls/{call}")).await;
        let detail: Value = answer.json().await.unwrap();
        let mut deliveries = detail["deliveries"].as_array().unwrap().iter();
        if deliveries.all(|it| it["state"] == "done") {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "{detail:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each column's state.
fn differences(page: &str) -> Map<String, Value> {
    let lines = page.split("data-column=\"").skip(1);
    let line = |line: &str| {
        let (column, rest) = line.split_once('"').unwrap();
        let (_, rest) = rest.split_once("data-difference=\"").unwrap();
        let state = rest.split('"').next().unwrap();
        (column.to_owned(), json!(state))
    };
    lines.map(line).collect()
}

fn different(page: &str) -> Vec<(String, String)> {
    let all = differences(page).into_iter();
    let all = all.map(|(column, state)| (column, state.as_str().unwrap().to_owned()));
    all.filter(|(_, state)| state != "same").collect()
}

async fn compared(visitor: &Visitor<'_>, path: &str) -> String {
    let answer = visitor.send(path, &[]).await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// Somebody changes cells of the row in Airtable.
async fn edit(world: &World, record: &str, fields: &Value) {
    let url = format!(
        "{}/v0/{}/Calls/{record}",
        world.airtable.url(),
        world.airtable.base_id()
    );
    let request = world.http.patch(url).bearer_auth("patTest");
    let done = request.json(&json!({ "fields": fields })).send().await;
    assert_eq!(done.unwrap().status(), 200);
}

async fn shows_what_differs(world: World) {
    let (call, _) = complete_call(&world).await;
    let visitor = world.visitor(API_TOKEN).await;
    let path = format!("/ops/rows/{call}");
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(page.contains(&format!("ops/rows/{call}")), "{page}");
    let sent = world.airtable.requests();
    let before = visitor.page(&path).await;
    assert!(differences(&before).is_empty(), "{before}");
    assert_eq!(world.airtable.requests(), sent, "nobody asked");

    let page = compared(&visitor, &path).await;
    assert_eq!(world.airtable.requests(), sent + 1, "one request");
    assert_eq!(different(&page), [], "{page}");
    let all = differences(&page);
    for column in [
        "Call ID",
        "Status",
        "Started",
        "Duration",
        "Caller",
        "Transcript",
        "Recording URL",
        "Recording URL expires",
        "Recording size",
        "Turns",
    ] {
        assert!(all.contains_key(column), "{column}: {all:?}");
    }
    assert!(!page.contains("zebra"), "words are on the call's page only");
    assert!(
        !page.contains("X-Amz-Signature"),
        "whoever has the link can listen"
    );

    let record = world.row(&call).await.unwrap()["id"].clone();
    let record = record.as_str().unwrap();
    edit(
        &world,
        record,
        &json!({ "Agent": "Zoe", "Recording size": 7, "Caller": null }),
    )
    .await;
    let page = compared(&visitor, &path).await;
    let edited = |column: &str| (column.to_owned(), "edited in Airtable".to_owned());
    assert_eq!(
        different(&page),
        [edited("Agent"), edited("Caller"), edited("Recording size")],
        "{page}"
    );
    assert!(
        page.contains("Zoe") && page.contains("3 cells differ"),
        "{page}"
    );

    a_deleted_row_is_said(&world, &visitor, (&call, record)).await;
}

async fn a_deleted_row_is_said(world: &World, visitor: &Visitor<'_>, (call, record): (&str, &str)) {
    let path = format!("/ops/rows/{call}");
    let url = format!(
        "{}/v0/{}/Calls/{record}",
        world.airtable.url(),
        world.airtable.base_id()
    );
    let deleted = world.http.delete(url).bearer_auth("patTest").send().await;
    assert_eq!(deleted.unwrap().status(), 200);
    let page = compared(visitor, &path).await;
    assert!(page.contains("somebody deleted it"), "{page}");
    let foreign = visitor.send_from("same-origin", &path, &[]).await;
    assert_eq!(foreign.status(), 403, "without the form token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_compared_with_airtables() {
    shows_what_differs(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_compared_with_airtables_on_postgres() {
    let database = fresh_database().await;
    shows_what_differs(World::with(&[("DATABASE_URL", &database)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_does_not_answer_and_a_row_that_was_never_written_are_said() {
    let world = World::new().await;
    let (call, _) = complete_call(&world).await;
    let visitor = world.visitor(API_TOKEN).await;
    world.airtable.stop();
    let page = compared(&visitor, &format!("/ops/rows/{call}")).await;
    assert!(page.contains("Airtable was not read"), "{page}");
    let unwritten = world.livekit.open_room("next");
    crate::harness::eventually(|| {
        let starts = world.livekit.starts();
        starts.iter().any(|(_, room)| room == "next").then_some(())
    })
    .await
    .unwrap();
    let page = compared(&visitor, &format!("/ops/rows/{unwritten}")).await;
    assert!(page.contains("no row that this service wrote"), "{page}");
    let unknown = visitor.open("/ops/rows/RM_none").await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_to_the_row_and_to_the_file() {
    let world = World::new().await;
    let (call, egress) = complete_call(&world).await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    let row = world.row(&call).await.unwrap();
    let (base, record) = (world.airtable.base_id(), row["id"].as_str().unwrap());
    assert!(page.contains(&format!("data-copy=\"{record}\"")), "{page}");
    // Nobody can open the stand-in's base at Airtable.
    assert!(!page.contains("airtable.com"), "{page}");
    let table = "Calls";
    let url = format!("{}/v0/{base}/{table}/{record}", world.airtable.url());
    let found = world
        .http
        .get(url)
        .bearer_auth("patTest")
        .send()
        .await
        .unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["fields"]["Call ID"], json!(call), "{found}");
    let file = visitor
        .open(&format!("/ops/recordings/{egress}?download=1"))
        .await;
    assert_eq!(file.status(), 302);
    let url = file.headers()["location"].to_str().unwrap();
    let file = world.http.get(url).send().await.unwrap();
    let name = file.headers()["content-disposition"].to_str().unwrap();
    assert!(name.contains(&format!("{call}.mp3")), "{name}");
    let bytes = file.bytes().await.unwrap().len();
    assert_eq!(json!(bytes), row["Recording size"]);
    let (_, command) = page.split_once("data-copy=\"curl ").unwrap();
    let command = command.split('"').next().unwrap();
    assert!(
        command.ends_with(&format!("{}/v1/calls/{call}", world.address)),
        "{command}"
    );
}
