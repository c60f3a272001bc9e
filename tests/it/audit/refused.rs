//! Refused requests: one line for each link, client and hour, with a count, and nothing of what a stranger wrote.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use livekit_airtable::{
    pipeline::{Job, audit::AuditUpkeep},
    store::Store,
    telemetry::now,
};
use serde_json::{Value, json};

use super::{PUBLIC_URL, on_postgres};
use crate::harness::{PATIENCE, World};

/// Waits until the counts of this action add up to so many.
async fn counted(world: &World, action: &str, count: i64) -> Vec<Value> {
    let asked = Instant::now();
    loop {
        let mut lines = world.audit(&[]).await;
        lines.retain(|line| line["action"] == action && line["status"].as_i64() >= Some(400));
        let sum: i64 = lines.iter().filter_map(|it| it["count"].as_i64()).sum();
        if sum == count {
            return lines;
        }
        assert!(asked.elapsed() < PATIENCE, "{lines:#?}");
    }
}

async fn are_counted(world: World) {
    let began = now().as_second() / 3600;
    let (call, egress, path) = world.linked("desk").await;
    let forged = format!("/r/{egress}/{}", "0".repeat(32));
    for _ in 0..5 {
        assert_eq!(world.forwarded(&forged, ("a", "b")).await, 404);
    }
    let other = ("x-forwarded-for", "203.0.113.9");
    assert_eq!(world.forwarded(&forged, other).await, 404);
    for odd in [
        "/r/+4915112345678/x",
        "/r/Maria%20Mueller/x",
        "/r/a%0Ab/transcript/x",
    ] {
        assert_eq!(world.forwarded(odd, ("a", "b")).await, 404);
    }
    let words = format!("/v1/calls/{call}/transcript");
    assert_eq!(world.forwarded(&words, ("a", "b")).await, 401);
    std::fs::remove_file(world.object(&format!("recordings/{call}.mp3"))).unwrap();
    assert_eq!(world.forwarded(&path, other).await, 410);
    let lines = counted(&world, "listen", 9).await;
    let find = |client: &str, egress: &Value| {
        let mut found = lines
            .iter()
            .filter(|it| it["client"] == client && it["egress_id"] == *egress);
        found
            .next()
            .unwrap_or_else(|| panic!("{client} {egress}: {lines:#?}"))
            .clone()
    };
    if now().as_second() / 3600 == began {
        assert_eq!(find("127.0.0.1", &json!(egress))["count"], 5);
        assert_eq!(find("203.0.113.9", &json!(egress))["count"], 2);
        assert_eq!(
            find("203.0.113.9", &json!(egress))["status"],
            410,
            "the last answer"
        );
        assert_eq!(find("127.0.0.1", &Value::Null)["count"], 2);
    }
    let refused = counted(&world, "read_words", 2).await;
    assert!(
        refused
            .iter()
            .any(|it| it["who"] == "unknown" && it["call_id"] == call.as_str())
    );
    become_lines(&world, lines.len() + refused.len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_tokens_are_counted_everywhere() {
    let token = "metrics-token-of-32-characters-0";
    let world = World::with(&[("API_TOKENS", &format!("graphs metrics {token}"))]).await;
    for (path, action) in [
        ("/v1/calls", "read_calls"),
        ("/v1/calls/RM_1", "read_calls"),
        ("/v1/audit", "read_audit"),
    ] {
        let request = world.http.get(world.url(path)).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
        let lines = counted(&world, action, if path == "/v1/calls/RM_1" { 2 } else { 1 }).await;
        assert!(
            lines.iter().all(|line| line["who"] == "token:graphs"),
            "{lines:#?}"
        );
    }
    for path in ["/v1/transcripts", "/v1/recordings"] {
        let request = world.http.post(world.url(path)).json(&json!({}));
        assert_eq!(request.send().await.unwrap().status(), 401, "{path}");
    }
    counted(&world, "send_transcript", 1).await;
    counted(&world, "record_start", 1).await;
    assert_eq!(world.forwarded("/metrics", ("a", "b")).await, 401);
    counted(&world, "read_metrics", 1).await;
}

/// When the hour is over, the counts are lines of the chain.
async fn become_lines(world: &World, count: usize) {
    let store = Store::open(&world.database(), now()).await.unwrap();
    let upkeep = AuditUpkeep::new(store, Duration::from_secs(1 << 30));
    let later = now() + SignedDuration::from_hours(2);
    while upkeep.step(later).await.unwrap() {}
    let mut lines = world.audit(&[]).await;
    lines.retain(|line| line["status"].as_i64() >= Some(400));
    assert_eq!(lines.len(), count, "{lines:#?}");
    assert!(
        lines.iter().all(|line| line["number"].is_i64()),
        "{lines:#?}"
    );
    let all = world.audited(&["audit"]).await.stdout;
    for stranger in ["4915112345678", "Maria", "a\nb"] {
        assert!(!all.contains(stranger), "{all}");
    }
    let verified = world.audited(&["audit", "--verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_are_counted() {
    are_counted(World::with(&[PUBLIC_URL]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_are_counted_on_postgres() {
    are_counted(on_postgres(&[PUBLIC_URL]).await).await;
}
