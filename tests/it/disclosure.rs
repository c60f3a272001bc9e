//! What strangers learn from answers: nothing that they could use.

use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::Value;

use crate::{
    harness::{KEY, World},
    play::answer,
};

#[tokio::test(flavor = "multi_thread")]
async fn readyz_gives_details_to_this_machine_and_to_the_token_only() {
    let world = World::new().await;
    let url = world.url("/readyz");
    let ready =
        async |request: reqwest::RequestBuilder| answer(request.send().await.unwrap(), 200).await;
    let local = ready(world.http.get(&url)).await;
    assert!(local["jobs"].is_object(), "{local}");
    for header in [
        "x-forwarded-for",
        "x-forwarded-proto",
        "forwarded",
        "via",
        "x-real-ip",
        "cf-connecting-ip",
        "host",
    ] {
        let proxied = ready(world.http.get(&url).header(header, "203.0.113.7")).await;
        assert_eq!(proxied, serde_json::json!({ "ready": true }), "{header}");
    }
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"] {
        let local = ready(world.http.get(&url).header("host", host)).await;
        assert!(local["jobs"].is_object(), "{host}: {local}");
    }
    let request = world
        .http
        .get(&url)
        .header("x-forwarded-for", "203.0.113.7");
    let request = request.bearer_auth(crate::harness::API_TOKEN);
    assert!(ready(request).await["jobs"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_tell_which_keys_are_configured() {
    let world = World::new().await;
    let refused = async |key: &str, path: &str| {
        let grants = VideoGrants {
            room_admin: true,
            room: "desk".into(),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key(key, "a secret that is not ours");
        let token = token
            .with_grants(grants)
            .with_sha256("AAAA")
            .to_jwt()
            .unwrap();
        let request = world.http.post(world.url(path)).body("{}");
        let request = match path {
            "/webhooks/livekit" => request.header("authorization", token),
            _ => request.bearer_auth(token),
        };
        let problem: Value = answer(request.send().await.unwrap(), 401).await;
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("`iss` is {key:?}")), "{detail}");
        detail.replace(key, "KEY")
    };
    for path in [
        "/webhooks/livekit",
        "/v1/transcripts?room=desk",
        "/v1/recordings",
    ] {
        assert_eq!(refused(KEY, path).await, refused("APIstranger", path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_load_nothing_and_are_listed_nowhere() {
    let world = World::with(&[("PUBLIC_URL", "https://calls.example.com")]).await;
    let request = world.http.get(world.url("/r/EG_none/AAAA"));
    let page = request.header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert_eq!(page.headers()["x-robots-tag"], "noindex, nofollow");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}
