//! Tokens of API_TOKENS: each does what its scopes say and nothing else.

use serde_json::json;

use crate::{
    harness::{API_TOKEN, World, agent},
    process::run,
};

/// A token of 32 characters for each scope, named after it.
fn token(scope: &str) -> String {
    format!("{scope:x<32}")
}

const SCOPES: [&str; 7] = [
    "read",
    "words",
    "record",
    "transcripts",
    "metrics",
    "redrive",
    "erase",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_opens_its_own_requests() {
    let lines = SCOPES.map(|scope| format!("{scope}-token {scope} {}", token(scope)));
    let both = format!("both read,words {}", token("both"));
    let lines = format!("{}\n\n{both}\n", lines.join("\n"));
    let world = World::with(&[("API_TOKENS", &lines), ("RECORD_ON", "manual")]).await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.row_is(&call, "Live").await;
    let report =
        json!({ "room_name": "desk", "turns": [{ "speaker": "agent", "text": "Hello." }] });
    let sent = world.post("/v1/transcripts", &report).await;
    assert_eq!(sent.status(), 202);
    let requests = [
        ("GET", "/v1/calls".to_owned(), json!(null), "read"),
        ("GET", format!("/v1/calls/{call}"), json!(null), "read"),
        (
            "GET",
            format!("/v1/calls/{call}/transcript"),
            json!(null),
            "words",
        ),
        ("GET", "/metrics".to_owned(), json!(null), "metrics"),
        ("POST", "/v1/transcripts".to_owned(), report, "transcripts"),
        (
            "POST",
            "/v1/recordings".to_owned(),
            json!({ "room_name": "desk" }),
            "record",
        ),
        (
            "POST",
            "/v1/recordings/EG_none/stop".to_owned(),
            json!(null),
            "record",
        ),
    ];
    for (method, path, body, needed) in requests {
        let ask = async |token: &str| {
            let request = world
                .http
                .request(method.parse().unwrap(), world.url(&path));
            let request = request.bearer_auth(token).body(body.to_string());
            request.send().await.unwrap().status().as_u16()
        };
        for scope in SCOPES {
            let status = ask(&token(scope)).await;
            assert_eq!(
                status == 403,
                scope != needed,
                "{path} with {scope}: {status}"
            );
            assert_ne!(status, 401, "{path} with {scope}");
        }
        assert_ne!(ask(API_TOKEN).await, 403, "{path}");
        let is_reading = matches!(needed, "read" | "words");
        assert_eq!(ask(&token("both")).await == 403, !is_reading, "{path}");
        assert_eq!(ask(&token("stranger")).await, 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_wrong_are_refused_without_showing_a_token() {
    let mut world = World::new().await;
    world.stop().await;
    let good = token("good");
    let cases = [
        (format!("board read {}", &good[..31]), "shorter than 32"),
        (format!("board reed {good}"), "unknown scope"),
        (format!("board {good}"), "2 words instead of three"),
        (
            format!("board read {good} more"),
            "4 words instead of three",
        ),
        (
            format!("bo\"ard read {good}"),
            "the name has other characters",
        ),
        (
            format!("board read {good}\nboard words {}", token("b")),
            "two tokens with the name board",
        ),
        (
            format!("a read {good}; b words {good}"),
            "a and b are the same token",
        ),
        (
            format!("a read {API_TOKEN}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nb x,read {good}"),
            "line 2",
        ),
    ];
    for (lines, reason) in cases {
        world.set("API_TOKENS", &lines);
        let done = run(world.folder.path(), &["serve"], world.settings()).await;
        assert_eq!(done.code, Some(64), "{lines}: {}", done.stderr);
        assert!(done.stderr.contains("API_TOKENS"), "{}", done.stderr);
        assert!(done.stderr.contains(reason), "{reason}: {}", done.stderr);
        assert!(!done.stderr.contains(&good[..31]), "{}", done.stderr);
    }
}
