//! What comes from outside has limits: the texts of IDs, what a call keeps, and what is stored and read.

mod crowds;
mod egresses;
mod floods;
mod ids;
mod reports;
mod reserve;

pub(crate) use reserve::reserve_world;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};

use crate::{
    harness::{PATIENCE, World},
    real::postgres::fresh_database,
    signed_webhooks,
};

/// A world on each database, with these settings.
async fn on_both(settings: &[(&str, &str)]) -> [World; 2] {
    let postgres = fresh_database().await;
    let more = [settings, &[("DATABASE_URL", &postgres)]].concat();
    [World::with(settings).await, World::with(&more).await]
}

async fn database(world: &World) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(&world.database()).await.unwrap()
}

/// The errors of the messages of a kind, once this many are processed.
async fn errors(world: &World, kind: &str, count: usize) -> Vec<Option<String>> {
    let begun = Instant::now();
    loop {
        let mut database = database(world).await;
        let sql =
            "SELECT error FROM inbox WHERE kind = $1 AND processed_at IS NOT NULL ORDER BY id";
        let rows = sqlx::query_scalar(sql).bind(kind.to_owned());
        let rows: Vec<Option<String>> = rows.fetch_all(&mut database).await.unwrap();
        if rows.len() >= count {
            return rows;
        }
        assert!(begun.elapsed() < PATIENCE, "{rows:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a signed webhook; it must be taken.
async fn hook(world: &World, event: &Value) {
    let status = signed_webhooks::send(world, event.to_string()).await;
    assert_eq!(status, 200);
}

/// `participant_joined`, as livekit-server sends it.
fn joined(sid: &str, participant: &Value) -> Value {
    let room = json!({ "sid": sid, "name": "crowd" });
    let id = format!("EV_{}", participant["sid"]);
    json!({ "event": "participant_joined", "id": id, "room": room, "participant": participant })
}

async fn api(world: &World, path: &str) -> Value {
    let answer = world.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}
