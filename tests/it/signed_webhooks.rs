//! Webhooks signed by hand, and the inbox as it lies on disk.

use std::time::{Duration, Instant};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use livekit_airtable::telemetry;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row};

use crate::harness::{KEY, PATIENCE, SECRET, World};

/// The claims of a good webhook of this body.
pub(crate) fn claims(body: &[u8]) -> Value {
    let now = telemetry::now().as_second();
    let hash = BASE64_STANDARD.encode(Sha256::digest(body));
    json!({ "iss": KEY, "nbf": now - 5, "exp": now + 300, "sha256": hash })
}

pub(crate) fn jwt(alg: &str, claims: &Value, secret: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": alg, "typ": "JWT" });
    let signed = format!("{}.{}", part(&header), part(claims));
    if alg == "none" {
        return format!("{signed}.");
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let signature = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// A token as LiveKit signs this body.
pub(crate) fn signature(body: &[u8]) -> String {
    jwt("HS256", &claims(body), SECRET)
}

/// Sends a body with LiveKit's signature; the status of the answer.
pub(crate) async fn send(world: &World, body: impl Into<Vec<u8>>) -> u16 {
    let body = body.into();
    let token = signature(&body);
    send_as(world, Some(token), body).await.status().as_u16()
}

pub(crate) async fn send_as(
    world: &World,
    token: Option<String>,
    body: Vec<u8>,
) -> reqwest::Response {
    let request = world.http.post(world.url("/webhooks/livekit"));
    let request = request.header("content-type", "application/webhook+json");
    let request = match token {
        Some(token) => request.header("authorization", token),
        None => request,
    };
    let request = request.body(body);
    // The service may close a connection that rests at this moment; LiveKit's client sends again, too.
    match request.try_clone().unwrap().send().await {
        Err(error) if error.is_request() => request.send().await.unwrap(),
        answer => answer.unwrap(),
    }
}

/// An inbox message as stored in the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lying {
    pub kind: String,
    pub call_id: Option<String>,
    pub error: Option<String>,
    pub read: bool,
}

/// The inbox messages of a kind, oldest first.
pub(crate) async fn inbox(world: &World, kind: &str) -> Vec<Lying> {
    sqlx::any::install_default_drivers();
    let path = world.folder.path().join("calls.db");
    let url = format!("sqlite:{}?mode=ro", path.display());
    let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
    let sql = "SELECT kind, call_id, error, processed_at FROM inbox WHERE kind = $1 ORDER BY id";
    let rows = sqlx::query(sql).bind(kind.to_owned());
    let rows = rows.fetch_all(&mut database).await.unwrap();
    let read = |row: &sqlx::any::AnyRow| Lying {
        kind: row.get("kind"),
        call_id: row.get("call_id"),
        error: row.get("error"),
        read: row.get::<Option<i64>, _>("processed_at").is_some(),
    };
    rows.iter().map(read).collect()
}

/// Waits until this many messages of a kind have been processed; returns the last one.
pub(crate) async fn read_message(world: &World, kind: &str, count: usize) -> Lying {
    let asked = Instant::now();
    loop {
        let messages = inbox(world, kind).await;
        if messages.len() >= count && messages.iter().all(|message| message.read) {
            assert_eq!(messages.len(), count, "{messages:#?}");
            return messages.last().unwrap().clone();
        }
        assert!(asked.elapsed() < PATIENCE, "{messages:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
