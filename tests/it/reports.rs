//! Agents' reports as the world sends them: markup, several jobs, odd bytes, foreign shapes, times, names of rooms.

mod authorized;
mod bytes;
mod captions;
mod early;
mod events;
mod foreign;
mod frameworks;
mod handover;
mod interim;
mod jobs;
mod lenient;
mod markup;
mod rooms;
mod shapes;
mod sids;
mod times;
mod units;
mod unread;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, World},
    reader::Row,
    real::postgres::fresh_database,
};

/// A world on SQLite and one on PostgreSQL.
async fn both() -> [World; 2] {
    let database = fresh_database().await;
    [
        World::new().await,
        World::with(&[("DATABASE_URL", &database)]).await,
    ]
}

/// Sends a body as it is; status and answer.
async fn post(world: &World, query: &str, headers: HeaderMap, body: Vec<u8>) -> (u16, Value) {
    let url = world.url(&format!("/v1/transcripts{query}"));
    let request = world.http.post(url).bearer_auth(API_TOKEN).headers(headers);
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// Sends a report; status and answer.
async fn report(world: &World, query: &str, body: &Value) -> (u16, Value) {
    post(world, query, HeaderMap::new(), body.to_string().into()).await
}

/// A report that must be taken, of a room that is open.
async fn taken(world: &World, room: &str, body: &Value, turns: usize) {
    let (status, answer) = report(world, &format!("?room={room}"), body).await;
    assert_eq!(
        (status, &answer["turns"]),
        (202, &json!(turns)),
        "{answer}: {body}"
    );
}

async fn row_has(world: &World, call: &str, transcript: &str) -> Row {
    let has = |row: &Row| row.get("Transcript").is_some_and(|text| text == transcript);
    world.row_where(call, has).await
}

/// The transcript in this form.
async fn read(world: &World, call: &str, suffix: &str) -> String {
    let path = format!("/v1/calls/{call}/transcript.{suffix}");
    world.get(&path).await.text().await.unwrap()
}

/// The turns of the JSON form.
async fn turns(world: &World, call: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&read(world, call, "json").await).unwrap();
    all["turns"].as_array().unwrap().clone()
}
