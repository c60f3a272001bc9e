//! While a large body is parsed, which takes seconds, everything else is answered.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use livekit_airtable::{
    store::{InboxMessage, LARGE, MessageKind},
    telemetry,
};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    harness::{API_TOKEN, PATIENCE, World},
    reader::Row,
    real::postgres::fresh_database,
    signed_webhooks,
};

/// How long an answer may take, or a quarter of the time that all the bodies take on a busy machine: one that blocks the thread
/// takes half of it.
const SOON: Duration = Duration::from_secs(3);

/// One of these tests at a time: each keeps the processors busy, and the system gives up a connection whose body nobody takes for long.
static TURN: Semaphore = Semaphore::const_new(1);

/// 15 MiB that take long to parse.
fn slow_body() -> String {
    let small = vec!["{}"; 5 << 20].join(",");
    format!(r#"{{"turns":[{{"role":"user","content":"Hi."}}],"x":[{small}]}}"#)
}

fn turns(text: &str) -> String {
    json!({ "turns": [{ "role": "user", "content": text }] }).to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn webhook(n: usize) -> String {
    let room = json!({"sid": format!("RM_beside{n}"), "name": format!("beside-{n}")});
    json!({"event": "room_started", "id": format!("EV_beside{n}"), "room": room}).to_string()
}

fn report(world: &World, room: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    let url = world.url(&format!("/v1/transcripts?room={room}"));
    world.http.post(url).bearer_auth(API_TOKEN).body(body)
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn nothing_small_waits(settings: &[(&str, &str)]) {
    let world = World::with(settings).await;
    let call = world.livekit.open_room("large");
    world.row_is(&call, "Live").await;
    // As if one were being parsed.
    let turn = world
        .service_store()
        .large_bodies()
        .turn(&[LARGE + 1])
        .await;
    let plain = "And so on. ".repeat(LARGE / 5);
    let large = report(&world, "large", turns(&plain));
    let packed = report(&world, "large", gzip(&turns(&plain)));
    let large = [large, packed].map(|request| tokio::spawn(status(request)));
    for n in 0..20 {
        assert_eq!(signed_webhooks::send(&world, webhook(n)).await, 200);
        let call = format!("RM_beside{n}");
        world.row_is(&call, "Live").await;
        let room = format!("beside-{n}");
        let words = turns(&format!("Number {n}."));
        assert_eq!(status(report(&world, &room, gzip(&words))).await, 202);
        assert_eq!(status(report(&world, &room, words)).await, 202);
        world.row_where(&call, has_words).await;
        assert_eq!(world.get("/healthz").await.status(), 200);
    }
    assert!(large.iter().all(|sent| !sent.is_finished()));
    drop(turn);
    for sent in large {
        assert_eq!(sent.await.unwrap(), 202);
    }
    let is_long = |row: &Row| row.contains_key("Transcript URL");
    world.row_where(&call, is_long).await;
}

fn has_words(row: &Row) -> bool {
    row.contains_key("Transcript")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_small_waits_for_the_turn_of_a_large_body() {
    let settings = [("RECORD_ON", "manual")];
    nothing_small_waits(&settings).await;
    let database = fresh_database().await;
    nothing_small_waits(&[settings[0], ("DATABASE_URL", &database)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intake_waits_for_the_turn_of_a_large_message_and_webhooks_are_stored() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("large");
    world.row_is(&call, "Live").await;
    let turn = world
        .service_store()
        .large_bodies()
        .turn(&[LARGE + 1])
        .await;
    let words = turns(&"And so on. ".repeat(LARGE / 5));
    let stored = format!(r#"{{"room":{{"sid":"{call}","name":"large"}},"body":{words}}}"#);
    let message = InboxMessage::new(MessageKind::Report, stored, telemetry::now());
    let id = message.id.clone();
    world.service_store().put(message).await.unwrap();
    for n in 0..20 {
        assert_eq!(signed_webhooks::send(&world, webhook(n)).await, 200);
    }
    assert_eq!(world.service_store().processed(&id).await.unwrap(), None);
    drop(turn);
    world.row_where(&call, has_words).await;
    world.row_is("RM_beside19", "Live").await;
}

/// Sends these reports side by side to a service that has one thread for all requests and jobs, and webhooks meanwhile.
async fn blocks_no_thread(bodies: Vec<Vec<u8>>) {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    world.set("TOKIO_WORKER_THREADS", "1");
    let mut serve = world.serve_apart().await;
    let sent = bodies.into_iter().enumerate().map(|(n, body)| {
        let room = format!("large-{n}");
        tokio::spawn(status(report(&world, &room, body)))
    });
    let sent: Vec<_> = sent.collect();
    let (begun, mut slowest, mut answered) = (Instant::now(), Duration::ZERO, 0);
    let mut idle_since = None;
    while idle_since.is_none_or(|since: Instant| since.elapsed() < Duration::from_secs(1)) {
        assert!(begun.elapsed() < PATIENCE, "they are never parsed");
        let (asked, ticks) = (Instant::now(), serve.cpu_ticks());
        assert_eq!(signed_webhooks::send(&world, webhook(answered)).await, 200);
        assert_eq!(world.get("/healthz").await.status(), 200);
        slowest = slowest.max(asked.elapsed());
        answered += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        // Intake parses them after their requests.
        let is_idle = sent.iter().all(|it| it.is_finished()) && serve.cpu_ticks() < ticks + 4;
        idle_since = is_idle.then(|| idle_since.unwrap_or_else(Instant::now));
    }
    let all = begun.elapsed();
    for one in sent {
        assert_eq!(one.await.unwrap(), 202);
    }
    assert!(slowest < SOON.max(all / 4), "{slowest:?} of {all:?}");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_parsed_blocks_no_thread() {
    blocks_no_thread(vec![slow_body().into(); 3]).await;
}

/// Of a size of which many are received at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_bodies_that_are_not_large_block_no_thread() {
    let turn = r#"{"role":"user","content":"a"}"#;
    let turns = vec![turn; (LARGE - 1000) / (turn.len() + 1)].join(",");
    blocks_no_thread(vec![format!(r#"{{"turns":[{turns}]}}"#).into(); 16]).await;
}

/// Each part of a compressed body takes its time, however little it holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_many_compressed_parts_blocks_no_thread() {
    let mut body = gzip("").repeat(2 * LARGE / gzip("").len());
    body.extend(gzip(&turns("Hi.")));
    blocks_no_thread(vec![body]).await;
}
