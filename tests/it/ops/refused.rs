//! Requests that were refused for their token are on the health page and in `/readyz`, whatever strangers send.

use serde_json::{Value, json};

use crate::{
    harness::{API_TOKEN, KEY, World},
    signed_webhooks::{claims, jwt, send, send_as},
};

const BODY: &[u8] = b"{\"event\":\"room_started\"}";

/// A webhook of this key, signed with a secret that the service does not have.
pub(super) fn wrongly_signed(key: &str) -> Option<String> {
    let mut claims = claims(BODY);
    claims["iss"] = key.into();
    Some(jwt(
        "HS256",
        &claims,
        "another secret, which is long enough",
    ))
}

pub(super) async fn refused(world: &World, token: Option<String>) {
    let answer = send_as(world, token, BODY.to_vec()).await;
    assert_eq!(answer.status(), 401);
}

/// The rows of the page about requests to this path.
fn rows<'a>(page: &'a str, path: &str) -> Vec<&'a str> {
    let rows = page.split("<tr data-refused=\"").skip(1);
    let rows = rows.filter_map(|row| row.split("</tr>").next());
    rows.filter(|row| row.starts_with(path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_wrong_secret_is_on_the_health_page() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page("/ops/health").await;
    assert!(!page.contains("data-refused"), "{page}");
    for _ in 0..3 {
        refused(&world, wrongly_signed(KEY)).await;
    }
    let page = visitor.page("/ops/health").await;
    let [row] = rows(&page, "/webhooks/livekit")[..] else {
        panic!("{page}");
    };
    for part in [
        "signature does not match",
        "LIVEKIT_API_SECRET",
        "<code>devkey</code>",
        "data-count-refused>3<",
        "datetime=",
    ] {
        assert!(row.contains(part), "{part}: {row}");
    }
    // Who waits for the first call, or looks at what needs somebody, finds it, too.
    let first_run = visitor.page("/ops").await;
    assert!(
        first_run.contains("signature does not match"),
        "{first_run}"
    );
    assert!(first_run.contains("data-done=\"failed\""), "{first_run}");
    let attention = visitor.page("/ops/attention").await;
    assert!(attention.contains("ops/health#refused"), "{attention}");

    let details: Value = world.get("/readyz").await.json().await.unwrap();
    let [one] = &details["refused"].as_array().unwrap()[..] else {
        panic!("{details:#}");
    };
    assert_eq!((&one["count"], &one["key"]), (&json!(3), &json!(KEY)));
    assert_eq!(one["path"], "/webhooks/livekit");
    let advice = one["advice"].as_str().unwrap();
    assert!(advice.contains("LIVEKIT_API_SECRET"), "{one}");
    let stranger = world.http.get(world.url("/readyz"));
    let stranger = stranger.header("x-forwarded-for", "203.0.113.1");
    let stranger: Value = stranger.send().await.unwrap().json().await.unwrap();
    assert_eq!(stranger, json!({ "ready": true }));
    assert_eq!(send(&world, BODY).await, 200, "a good one is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_strangers_send_the_health_page_has_one_row_a_reason() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    for n in 0..200 {
        let key = format!("<script>alert({n})</script>");
        refused(&world, wrongly_signed(&key)).await;
        refused(&world, Some(format!("<b>{n}</b>"))).await;
    }
    refused(&world, None).await;
    let request = world.http.post(world.url("/v1/transcripts?room=desk"));
    let request = request.bearer_auth("<i>token</i>").json(&json!("Hi"));
    assert_eq!(request.send().await.unwrap().status(), 401);
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page("/ops/health").await;
    let webhooks = rows(&page, "/webhooks/livekit");
    assert_eq!(webhooks.len(), 3, "{page}");
    for (reason, count) in [
        ("not configured", 200),
        ("not a JSON Web Token", 200),
        ("no token", 1),
    ] {
        let row = webhooks.iter().find(|row| row.contains(reason)).unwrap();
        let count = format!("data-count-refused>{count}<");
        assert!(row.contains(&count), "{row}");
        assert!(!row.contains("<code>"), "no key of ours: {row}");
    }
    assert_eq!(rows(&page, "/v1").len(), 1, "{page}");
    for words in ["alert(", "&lt;b&gt;", "<b>", "&lt;i&gt;", "<i>"] {
        assert!(!page.contains(words), "{words}: {page}");
    }
}
