//! A delivery that cannot go now says what it waits for, in the same words on the page, by the API and by `calls show`.

use std::time::{Duration, Instant};

use livekit_airtable::telemetry;
use livekit_airtable_sim::airtable::Fault;
use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, PATIENCE, World, agent},
    mirror::Receiver,
    real::postgres::fresh_database,
};

/// The deliveries of a call to a sink.
async fn deliveries(world: &World, call: &str, sink: &str) -> Vec<Value> {
    let answer = world.get(&format!("/v1/calls/{call}")).await;
    if answer.status() == 404 {
        return Vec::new();
    }
    let detail: Value = answer.json().await.unwrap();
    let all = detail["deliveries"].as_array().unwrap().iter();
    all.filter(|it| it["sink"] == sink).cloned().collect()
}

/// What a delivery of one of the calls says, once it begins so.
async fn says(world: &World, calls: &[String], sink: &str, beginning: &str) -> (String, Value) {
    let asked = Instant::now();
    loop {
        let mut all = Vec::new();
        for call in calls {
            for delivery in deliveries(world, call, sink).await {
                let next = delivery["next"].as_str().unwrap();
                if next.starts_with(beginning) {
                    return (call.clone(), delivery);
                }
                all.push(next.to_owned());
            }
        }
        assert!(asked.elapsed() < PATIENCE, "{beginning}: {all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Without what changes from one moment to the next.
fn words(text: &str) -> String {
    let text = text.split("Next try").next().unwrap();
    text.trim_end().to_owned()
}

async fn shown(world: &World, call: &str) -> String {
    let command = ["calls", "show", call];
    let output = tokio::task::block_in_place(|| world.program(&command));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn a_paused_sink_is_named(mut world: World) {
    let refusal =
        json!({ "error": { "type": "AUTHENTICATION_REQUIRED", "message": "no such token" } });
    let refusal = Fault::Status(401, refusal.to_string());
    world.airtable.fail_next(1_000_000, refusal);
    let tried = world.livekit.open_room("first");
    says(
        &world,
        std::slice::from_ref(&tried),
        "airtable",
        "Manual action needed: Airtable is paused",
    )
    .await;
    let call = world.livekit.open_room("second");
    let beginning = "Waits: Airtable is paused (";
    let (_, delivery) = says(&world, std::slice::from_ref(&call), "airtable", beginning).await;
    assert_eq!(delivery["attempts"], 0, "it was not tried: {delivery:#}");
    assert_eq!(delivery["history"], json!([]));
    let next = delivery["next"].as_str().unwrap();
    assert!(next.contains("AIRTABLE_TOKEN"), "the reason: {next}");
    let due_at = delivery["due_at"].as_str().unwrap();
    let minute = due_at.replace('T', " ")[.."2026-11-30 12:31".len()].to_owned();
    assert!(
        next.contains(&format!("Next try at {minute}")) || next.contains("Next try now"),
        "{next} {due_at}"
    );
    let said = words(next);
    let text = shown(&world, &call).await;
    assert!(text.contains(&said), "{text}");
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(page.contains(&said), "{said}: {page}");
    drop(visitor);
    // With the service down, no probe comes either.
    world.stop().await;
    let text = shown(&world, &call).await;
    let stopped = "airtable: pending. Waits. No process of the service delivers now";
    assert!(text.contains(stopped), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_paused_sink_says_so() {
    a_paused_sink_is_named(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_paused_sink_says_so_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    a_paused_sink_is_named(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_rate_limit_says_so() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    world.airtable.fail_next(1, Fault::Locked(120));
    let calls = ["one", "two"].map(|room| world.livekit.open_room(room));
    let beginning = "Waits: Airtable has answered 429, too many requests. Next request at 20";
    says(&world, &calls, "airtable", beginning).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_months_requests_says_so() {
    let settings = [("RECORD_ON", "manual"), ("AIRTABLE_MONTHLY_REQUESTS", "40")];
    let world = World::with(&settings).await;
    let mut calls = Vec::new();
    // Each open call needs a request for its final row: soon there are too few for what is not final.
    for n in 0..60 {
        let room = format!("desk-{n}");
        calls.push(world.livekit.open_room(&room));
        world.livekit.join(&room, agent());
    }
    let beginning = "Waits until the call has ended: the ";
    let (call, delivery) = says(&world, &calls, "airtable", beginning).await;
    let next = delivery["next"].as_str().unwrap();
    let rest = "requests left of AIRTABLE_MONTHLY_REQUESTS are kept for the rows of ended calls.";
    assert!(next.contains(rest), "{next}");
    let text = shown(&world, &call).await;
    assert!(text.contains(beginning), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_for_another_says_so() {
    let (receiver, url) = Receiver::start(&[]).await;
    receiver.refuses(1_000);
    let settings = [
        ("RECORD_ON", "manual"),
        ("EGRESS_WEBHOOK_URL", url.as_str()),
    ];
    let world = World::with(&settings).await;
    // Two parts of one call. What ended before the database began is history, and not sent.
    let now = telemetry::now().as_second() + 1;
    let room = json!({ "sid": "RM_two", "name": "two", "creationTime": now.to_string() });
    let started = json!({ "id": "EV_room", "event": "room_started", "createdAt": now.to_string(), "room": room });
    world.hook(&started).await;
    for (n, egress) in ["EG_one", "EG_two"].into_iter().enumerate() {
        let at = |second: i64| format!("{}", (now + 10 * n as i64 + second) * 1_000_000_000);
        let info = json!({
            "egressId": egress, "roomId": "RM_two", "roomName": "two", "status": "EGRESS_FAILED", "error": "no",
            "startedAt": at(0), "endedAt": at(5), "updatedAt": at(5), "fileResults": [{ "filename": format!("recordings/{egress}.mp3") }],
        });
        let ended = json!({ "id": format!("EV_{egress}"), "event": "egress_ended", "createdAt": now.to_string(), "egressInfo": info });
        world.hook(&ended).await;
    }
    let calls = ["RM_two".to_owned()];
    let (_, later) = says(&world, &calls, "mirror", "Waits for the message about EG_").await;
    let all = deliveries(&world, "RM_two", "mirror").await;
    let first = all.iter().find(|it| it["part"] != later["part"]).unwrap();
    let named = format!("about {}:", first["part"].as_str().unwrap());
    assert!(
        later["next"].as_str().unwrap().contains(&named),
        "{later:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_recordings_end_says_so() {
    let world = World::new().await;
    let (call, _) = world.talk_unheard("desk").await;
    let reason = "LiveKit has not reported the end of this recording yet.";
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    let (_, notices) = page.split_once("id=\"notices\"").unwrap();
    let (notices, _) = notices.split_once("class=\"columns\"").unwrap();
    let why = "Waits for LiveKit to report the end of the recording";
    assert!(notices.contains(why), "{page}");
    assert!(page.contains(reason), "{page}");
    let list = visitor.page("/ops?status=processing").await;
    assert!(list.contains(why), "{list}");
    assert!(shown(&world, &call).await.contains(reason));
}
