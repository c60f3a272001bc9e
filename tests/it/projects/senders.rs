//! Webhooks and tokens that a key of LIVEKIT_WEBHOOK_KEYS signs.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use livekit_api::access_token::{AccessToken, VideoGrants};
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::OTHER;
use crate::{
    harness::{World, in_time},
    real::postgres::fresh_database,
};

/// A world on SQLite and one on PostgreSQL, with these settings.
pub(super) async fn both(settings: &[(&str, &str)]) -> [World; 2] {
    let database = fresh_database().await;
    let on_postgres = [settings, &[("DATABASE_URL", database.as_str())]].concat();
    [World::with(settings).await, World::with(&on_postgres).await]
}

/// Sends an event as LiveKit signs it with this key.
pub(super) async fn hook_as(world: &World, key: (&str, &str), event: &Value) {
    let body = event.to_string();
    let hash = BASE64_STANDARD.encode(Sha256::digest(body.as_bytes()));
    let token = AccessToken::with_api_key(key.0, key.1).with_sha256(&hash);
    let request = world.http.post(world.url("/webhooks/livekit")).body(body);
    let request = request.header("authorization", token.to_jwt().unwrap());
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// Sends an event as the other project's LiveKit does.
pub(super) async fn other_hook(world: &World, event: &Value) {
    hook_as(world, OTHER, event).await;
}

/// Posts with a token of this key for a room, as an agent of that project makes it.
pub(super) async fn post_as(
    world: &World,
    key: (&str, &str),
    room: &str,
    (path, body): (&str, &Value),
) -> Response {
    let grants = VideoGrants {
        room_admin: true,
        room_record: true,
        room: room.to_owned(),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(key.0, key.1).with_grants(grants);
    let request = world.http.post(world.url(path)).json(body);
    let request = request.bearer_auth(token.to_jwt().unwrap());
    request.send().await.unwrap()
}

/// A room event of this session.
pub(super) fn room_event(event: &str, sid: &str, name: &str) -> Value {
    json!({ "event": event, "id": format!("EV_{event}_{sid}"), "room": { "sid": sid, "name": name } })
}

/// An event of an egress that records this room into the object; without a sid it names the room alone.
pub(super) fn egress_event(event: &str, egress: &str, room: (&str, &str), key: &str) -> Value {
    let status = match event {
        "egress_ended" => "EGRESS_COMPLETE",
        _ => "EGRESS_ACTIVE",
    };
    json!({ "event": event, "id": format!("EV_{event}_{egress}"), "egressInfo": {
        "egressId": egress, "roomId": room.0, "roomName": room.1, "status": status,
        // Newer than whatever LiveKit has said.
        "updatedAt": "1900000000000000000", "endedAt": "1800000000000000000",
        "roomComposite": { "roomName": room.1, "fileOutputs": [{ "filepath": key }] },
        "fileResults": [{ "filename": key, "size": "1000", "duration": "3000000000",
            "location": format!("https://127.0.0.1/recordings/{key}") }] } })
}

/// Waits until everything that was received has had its effect.
pub(super) async fn settled(world: &World) {
    in_time(async {
        loop {
            let body = world.get("/metrics").await.text().await.unwrap();
            if body
                .lines()
                .any(|line| line == "livekit_airtable_inbox_unread 0")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
