use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use livekit_airtable::mirror::{Client, Config, PostOutcome};
use serde_json::json as object;
use sha2::Sha256;

use super::server::{Server, answer, hangs_up, http, json, nobody};

async fn post(url: String) -> PostOutcome {
    let client = Client::new(Config { url, secret: None }, http());
    client
        .post(
            "msg_1",
            object!({"event": "egress_ended"}).to_string(),
            "2026-01-01T00:00:00Z".parse().unwrap(),
        )
        .await
}

async fn error(url: String) -> String {
    match post(url).await {
        PostOutcome::Retry { error, .. } => error,
        PostOutcome::Delivered { .. } => panic!("delivered"),
    }
}

#[tokio::test]
async fn a_request_is_signed_as_standard_webhooks_does() {
    let server = Server::start([json(200, "{}")]).await;
    let secret = Some("whsec_cGxhaW4=".to_owned().into());
    let client = Client::new(
        Config {
            url: format!("{}/webhook/x", server.url()),
            secret,
        },
        http(),
    );
    let now = "2026-01-01T00:00:00.5Z".parse().unwrap();
    assert_eq!(
        client
            .post("msg_1", object!({"room": "Größe"}).to_string(), now)
            .await,
        PostOutcome::Delivered { status: 200 }
    );

    let seen = &server.seen()[0];
    assert_eq!(
        (seen.header("content-type"), seen.header("webhook-id")),
        ("application/json", "msg_1")
    );
    assert_eq!(
        (seen.header("webhook-timestamp"), seen.uri.path()),
        ("1767225600", "/webhook/x")
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(b"plain").unwrap();
    mac.update(b"msg_1.1767225600.");
    mac.update(&seen.body);
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(seen.header("webhook-signature"), signature);
    assert_eq!(seen.json(), object!({"room": "Größe"}));
}

#[tokio::test]
async fn any_2xx_is_delivered_and_nothing_is_signed_without_a_secret() {
    let long = "x".repeat(1024 * 1024);
    let server = Server::start([
        json(204, ""),
        json(201, "{}"),
        answer(200, "text/plain", long),
    ])
    .await;
    for status in [204, 201, 200] {
        let delivered = PostOutcome::Delivered { status };
        assert_eq!(post(server.url()).await, delivered);
    }
    assert!(
        server
            .seen()
            .iter()
            .all(|s| s.header("webhook-signature").is_empty())
    );
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    let delivered = PostOutcome::Delivered { status: 200 };
    assert_eq!(post(hangs_up(broken).await).await, delivered);
}

#[tokio::test]
async fn n8ns_start_up_page_is_not_a_delivery() {
    let server = Server::start([
        answer(200, "text/html", "n8n is starting up. Please wait"),
        json(
            404,
            object!({"message": "The requested webhook is not registered."}),
        ),
        json(500, ""),
    ])
    .await;
    let starting = "EGRESS_WEBHOOK_URL answered 200, but n8n is still starting up";
    assert_eq!(error(server.url()).await, starting);
    let inactive = "EGRESS_WEBHOOK_URL answered 404 (n8n does so until the workflow is active)";
    assert_eq!(error(server.url()).await, inactive);
    assert_eq!(error(server.url()).await, "EGRESS_WEBHOOK_URL answered 500");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::start([json(200, "{}")]).await;
    let location = vec![(axum::http::header::LOCATION, target.url())];
    for status in [301, 302, 307, 308] {
        let server = Server::start([(status, location.clone(), Vec::new())]).await;
        let error = error(server.url()).await;
        assert!(
            error.contains(&format!(
                "answered {status}, a redirect, which is not followed"
            )),
            "{error}"
        );
        assert!(!error.contains(&target.url()));
    }
    assert!(target.seen().is_empty());
}

#[tokio::test]
async fn no_answer_is_tried_again() {
    assert!(error(nobody().await).await.contains("cannot be reached"));
    assert!(
        error(hangs_up("").await)
            .await
            .contains("closed the connection without a response")
    );
}
