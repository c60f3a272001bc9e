//! What open pages are sent: calls that change, in one event for all, and nothing to those who may not read.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::Value;

use crate::{
    harness::{PATIENCE, World, in_time},
    real::postgres::fresh_database,
};

/// The events of a connection.
struct Events {
    answer: Response,
    text: String,
}

impl World {
    async fn watch(&self, path: &str) -> Events {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let text = String::new();
        let mut events = Events { answer, text };
        events.next("open").await;
        events
    }
}

impl Events {
    /// The data of the next event with this name.
    async fn next(&mut self, name: &str) -> String {
        let asked = Instant::now();
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.contains(&format!("event: {name}\n")) {
                    let (_, data) = event.split_once("data: ").unwrap();
                    return data.to_owned();
                }
            }
            assert!(asked.elapsed() < PATIENCE, "no event {name}");
            let chunk = self
                .answer
                .chunk()
                .await
                .unwrap()
                .expect("the connection is open");
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event that has this call with this status; the event.
    async fn call_is(&mut self, call: &str, status: &str) -> Value {
        in_time(async {
            loop {
                let event: Value = serde_json::from_str(&self.next("calls").await).unwrap();
                let rows = event["rows"].as_array().unwrap();
                if rows
                    .iter()
                    .any(|it| it["id"] == call && it["status"] == status)
                {
                    return event;
                }
            }
        })
        .await
    }
}

async fn are_sent(world: World) {
    let mut list = world.watch("/ops/events").await;
    let call = world.livekit.open_room("desk");
    let event = list.call_is(&call, "live").await;
    assert_eq!(event["counts"]["all"], 1);
    assert_eq!(event["many"], false);
    let html = event["rows"][0]["html"].as_str().unwrap();
    assert!(html.starts_with("<tr") && html.contains("desk"), "{html}");

    let mut page = world.watch(&format!("/ops/events?call={call}")).await;
    let mut other = world.watch("/ops/events?call=RM_other").await;
    world.livekit.close_room("desk");
    page.next("call").await;
    list.call_is(&call, "no_recording").await;
    assert!(!other.text.contains("event: call"));
    let silent = tokio::time::timeout(Duration::from_secs(1), other.next("call"));
    assert!(silent.await.is_err(), "another call's page hears nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_sent_to_open_pages() {
    are_sent(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_sent_to_open_pages_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    are_sent(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_64_pages_hear_of_changes_and_places_are_free_again() {
    let world = World::new().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(world.watch("/ops/events").await);
    }
    assert_eq!(world.get("/ops/events").await.status(), 503);
    assert_eq!(
        world.get("/ops").await.status(),
        200,
        "the pages themselves are there"
    );
    open.clear();
    let asked = Instant::now();
    while world.get("/ops/events").await.status() != 200 {
        assert!(asked.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_changes_who_may_not_read() {
    let words = format!("words words {:x<32}", "words");
    let mut world = World::with(&[("API_TOKENS", &words)]).await;
    let stranger = world
        .http
        .get(world.url("/ops/events"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
    let visitor = world.visitor(&format!("{:x<32}", "words")).await;
    assert_eq!(visitor.open("/ops/events").await.status(), 403);
    drop(visitor);
    let mut events = world.watch("/ops/events").await;
    let stopped = Instant::now();
    world.stop().await;
    assert!(
        stopped.elapsed() < Duration::from_secs(7),
        "an open page does not delay the stop"
    );
    while events
        .answer
        .chunk()
        .await
        .is_ok_and(|chunk| chunk.is_some())
    {}
}
