//! Tokens of a key that the service does not have: the answer names it.

use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::json;

use crate::{harness::World, play::answer};

const INJECTED: &str = "APIinjected";

fn token() -> AccessToken {
    AccessToken::with_api_key(INJECTED, "a secret of LiveKit Cloud, long enough")
}

/// The token of an agent in the room `desk`, signed with a key that the service does not know.
pub(super) fn agents_token() -> String {
    let grants = VideoGrants {
        room_admin: true,
        room: "desk".into(),
        ..VideoGrants::default()
    };
    token().with_grants(grants).to_jwt().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_named_to_agents_and_in_the_log() {
    let mut world = World::new().await;
    world.stop().await;
    let serve = world.serve().await;
    let agents = agents_token();
    let request = world.http.post(world.url("/v1/transcripts?room=desk"));
    let request = request.bearer_auth(&agents).json(&json!("Agent: Hi"));
    let problem = answer(request.send().await.unwrap(), 401).await;
    let detail = problem["detail"].as_str().unwrap();
    for part in [
        "`iss` is \"APIinjected\"",
        "LiveKit Cloud",
        "API_TOKEN",
        "LIVEKIT_WEBHOOK_KEYS",
    ] {
        assert!(detail.contains(part), "{detail}");
    }

    let webhook = token().with_sha256("AAAA").to_jwt().unwrap();
    let request = world.http.post(world.url("/webhooks/livekit")).body("{}");
    let request = request.header("authorization", &webhook);
    let problem = answer(request.send().await.unwrap(), 401).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`iss` is \"APIinjected\""), "{detail}");
    serve.terminate().await;
    let log = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    let line = log.lines().find(|line| line.contains("webhook rejected"));
    assert!(line.is_some_and(|line| line.contains(INJECTED)), "{log}");
    for reported in [detail, log.as_str()] {
        assert!(!reported.contains("eyJ"), "{reported}");
    }
}
