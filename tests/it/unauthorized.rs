//! Unauthorized requests and their responses.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use livekit_api::access_token::VideoGrants;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{API_TOKEN, World, token},
    signed_webhooks::{claims, inbox, jwt, send_as, signature},
};

const OPENED: &str = r#"{"event":"room_started","room":{"sid":"RM_hand","name":"by-hand"}}"#;

/// One request as it stands, on a connection of its own; all that comes back.
async fn raw(world: &World, request: &str) -> String {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1);
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// A webhook with these headers.
async fn webhook(world: &World, headers: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST /webhooks/livekit HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    status(&raw(world, &request).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_counts_however_it_is_wrapped_and_only_the_first() {
    let world = World::new().await;
    let good = signature(OPENED.as_bytes());
    let bad = jwt("HS256", &claims(OPENED.as_bytes()), "another");
    let huge = "x".repeat(100_000);
    let forwarded = "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: localhost\r\nx-real-ip: ::1\r\nforwarded: for=127.0.0.1\r\n";
    let cases = [
        (format!("authorization: {good}\r\n"), 200),
        (format!("Authorization: \t {good} \t\r\n"), 200),
        (format!("AUTHORIZATION: bearer   {good}\r\n"), 200),
        (
            format!("authorization: {good}\r\nauthorization: {bad}\r\n"),
            200,
        ),
        (
            format!("authorization: {bad}\r\nauthorization: {good}\r\n"),
            401,
        ),
        (format!("authorization: {bad}, {good}\r\n"), 401),
        (format!("authorization: Basic {good}\r\n"), 401),
        (format!("authorization: Bearer{good}\r\n"), 401),
        (format!("authorization: {good}.\r\n"), 401),
        (format!("authorization: {good}.{good}\r\n"), 401),
        (format!("authorization: \"{good}\"\r\n"), 401),
        (format!("x-authorization: {good}\r\n"), 401),
        (format!("cookie: authorization={good}\r\n"), 401),
        (format!("authorization: Bearer {API_TOKEN}\r\n"), 401),
        (forwarded.to_owned(), 401),
        (format!("authorization: {huge}\r\n"), 431),
    ];
    for (headers, expected) in cases {
        let came = webhook(&world, &headers, OPENED).await;
        assert_eq!(came, expected, "{headers:.90}");
    }
    assert_eq!(inbox(&world, "webhook").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_signs_no_webhook_and_a_webhooks_token_opens_nothing() {
    let world = World::new().await;
    let admin = VideoGrants {
        room: "desk".into(),
        room_admin: true,
        room_record: true,
        ..Default::default()
    };
    let answer = send_as(&world, Some(token(admin)), OPENED.into()).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(inbox(&world, "webhook").await, []);
    let body = json!({"room_name": "desk", "transcript": "Hello there, caller."}).to_string();
    for (path, status) in [("/v1/transcripts", 403), ("/v1/recordings", 403)] {
        let request = world.http.post(world.url(path)).body(body.clone());
        let request = request.bearer_auth(signature(body.as_bytes()));
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_room_does_not_open_another() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let (theirs, _) = (world.livekit.open_room("theirs"), ());
    world.row_is(&theirs, "Live").await;
    let mine = |room: &str, room_admin| VideoGrants {
        room: room.into(),
        room_admin,
        room_record: room_admin,
        ..Default::default()
    };
    let words = "Hello there, caller.";
    let transcripts = [
        json!({"room_name": "theirs", "transcript": words}),
        json!({"room_id": theirs, "transcript": words}),
        // The sid is believed before the name.
        json!({"room_id": theirs, "room_name": "mine", "transcript": words}),
    ];
    for body in &transcripts {
        for (grants, status) in [(mine("mine", true), 403), (mine("theirs", false), 403)] {
            let request = world.http.post(world.url("/v1/transcripts")).json(body);
            let request = request.bearer_auth(token(grants)).send();
            assert_eq!(request.await.unwrap().status(), status, "{body}");
        }
    }
    for grants in [mine("mine", true), mine("", true), mine("*", true)] {
        let token = token(grants);
        let start = world.http.post(world.url("/v1/recordings"));
        let start = start.json(&json!({"room_name": "theirs"}));
        let read = [
            format!("/v1/calls/{theirs}"),
            "/v1/calls".into(),
            "/metrics".into(),
        ];
        let read = read.map(|path| world.http.get(world.url(&path)));
        for request in [start].into_iter().chain(read) {
            let answer = request.bearer_auth(&token).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{}", answer.url());
        }
    }
    assert_eq!(inbox(&world, "report").await, []);
    assert!(world.livekit.starts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tricks_with_a_links_path_lead_nowhere() {
    let public = ("PUBLIC_URL", "https://calls.example.com");
    let world = World::with(&[
        public,
        ("LINK_SECRET", "the-secret-of-this-one-for-its-links"),
    ])
    .await;
    let other = World::with(&[
        public,
        ("LINK_SECRET", "the-secret-of-another-for-its-links"),
    ])
    .await;
    let mut paths = Vec::new();
    for world in [&world, &other] {
        let (call, _) = world.talk("desk").await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        let link = row["Recording URL"].as_str().unwrap();
        paths.push(link.strip_prefix(public.1).unwrap().to_owned());
    }
    let (good, foreign) = (paths[0].as_str(), paths[1].as_str());
    let (egress, signature) = good["/r/".len()..].split_once('/').unwrap();
    let (_, foreign_signature) = foreign["/r/".len()..].split_once('/').unwrap();
    let get = async |path: &str, headers: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        raw(&world, &request).await
    };
    assert_eq!(status(&get(good, "").await), 302);
    let upper = signature.to_uppercase();
    let tricks = [
        foreign.to_owned(),
        format!("/r/{egress}/{foreign_signature}"),
        format!("/r/{egress}/{upper}"),
        format!("/r/{egress}%2F{signature}"),
        format!("/r/{egress}/x%2F..%2F{signature}"),
        format!("/r/../r/{egress}/{signature}"),
        format!("/r/{egress}/../{egress}/{signature}"),
        format!("//r/{egress}/{signature}"),
        format!("/r//{egress}/{signature}"),
        format!("/r/{egress}//{signature}"),
        format!("/r/{egress}/{signature}/"),
        format!("/r/{egress}/{signature}%00"),
        format!("/r/{egress}/{signature}%20"),
        format!("/r/{egress}%00/{signature}"),
        format!("/r/%20{egress}/{signature}"),
        format!("/r/{egress}/%EF%BC%90{}", &signature[1..]),
        format!("/r/{egress}/%FF{}", &signature[1..]),
        format!("/r/{egress};/{signature}"),
        format!("/R/{egress}/{signature}"),
        format!("/r/*/{signature}"),
        "/r/%2e%2e/%2e%2e".into(),
        "/r/..%2f..%2fetc/passwd".into(),
    ];
    for path in &tricks {
        let answer = get(path, "").await;
        let lower = answer.to_lowercase();
        assert_eq!(status(&answer), 404, "{path}: {answer}");
        assert!(!lower.contains("location:"), "{path}: {answer}");
        assert!(lower.contains("application/problem+json"), "{path}");
    }
    // The target does not depend on the client's headers.
    let headers = "x-forwarded-host: evil.example\r\nx-forwarded-proto: gopher\r\nx-original-url: /metrics\r\nx-rewrite-url: /metrics\r\n";
    let led = get(good, headers).await;
    assert!(led.contains(&world.storage.url()), "{led}");
    assert!(!led.contains("evil.example"), "{led}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_what_a_careful_client_wants_to_know() {
    let world = World::new().await;
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let keyed = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let cases = [
        ("GET", "/nowhere", "", 404),
        ("GET", "/v1/calls/", "", 404),
        ("GET", "/healthz/", "", 404),
        ("GET", "/v1/calls/RM_none", "", 404),
        ("GET", "/v1/calls/%FF", "", 404),
        ("GET", "/v1/calls?limit=many", "", 400),
        ("GET", "/v1/calls?cursor=none", "", 400),
        ("GET", "/webhooks/livekit", "", 405),
        ("PUT", "/v1/transcripts", "{}", 405),
        ("DELETE", "/healthz", "", 405),
        ("POST", "/v1/transcripts", deep.as_str(), 400),
        ("POST", "/v1/transcripts", keyed.as_str(), 400),
        ("POST", "/v1/recordings", deep.as_str(), 400),
    ];
    for (method, path, body, status) in cases {
        let request = world
            .http
            .request(method.parse().unwrap(), world.url(path))
            .bearer_auth(API_TOKEN)
            .body(body.to_owned());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let header = |name: &str| {
            let value = answer.headers().get(name).map(|v| v.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        assert_eq!(header("content-type"), "application/problem+json", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("server") + &header("x-powered-by"), "");
        assert_eq!(header("allow").is_empty(), status != 405, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 5, "{problem}");
    }
    let report = json!({"room_name": "desk", "turns": [{"speaker": "agent", "text": "Hello."}]});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/calls"] {
        let got = world.get(path).await;
        assert_eq!(got.headers()["cache-control"], "no-store", "{path}");
        let kind = got.headers()["content-type"].clone();
        let head = world.http.head(world.url(path)).bearer_auth(API_TOKEN);
        let head = head.send().await.unwrap();
        assert_eq!(head.status(), got.status(), "{path}");
        assert_eq!(head.headers()["content-type"], kind, "{path}");
        assert_eq!(head.headers()["x-content-type-options"], "nosniff");
        assert_eq!(head.bytes().await.unwrap(), "", "{path}");
    }
}

/// `PROPTEST_CASES` says how many; the long mode of tests/run sets it.
#[test]
fn any_bytes_are_kept_when_signed_and_only_then() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let bodies = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "\\PC{0,300}".prop_map(String::into_bytes),
        r#"\{("event"|"room"|"egressInfo"|"createdAt"): ?("[a-z_\\]{0,9}"|[0-9e.-]{1,9}|\[*|null)[,}]{1,2}"#
            .prop_map(String::into_bytes),
    ];
    let tokens = prop_oneof![
        Just(None),
        "[ -~]{0,200}".prop_map(Some),
        "[a-zA-Z0-9_-]{0,50}\\.[a-zA-Z0-9_-]{0,99}\\.[a-zA-Z0-9_-]{0,50}".prop_map(Some),
        "[a-z]{0,40}".prop_map(|secret| Some(jwt("HS256", &claims(b""), &secret))),
    ];
    let numbered = AtomicUsize::new(0);
    let checked = TestRunner::new(config).run(&(bodies, tokens), |(mut body, forged)| {
        // No two are the same, which would be one event.
        body.extend_from_slice(numbered.fetch_add(1, Relaxed).to_string().as_bytes());
        runtime.block_on(async {
            prop_assert_eq!(send_as(&world, forged, body.clone()).await.status(), 401);
            let token = signature(&body);
            let changed = [body.as_slice(), b" "].concat();
            let swapped = send_as(&world, Some(token.clone()), changed).await;
            prop_assert_eq!(swapped.status(), 401);
            prop_assert_eq!(send_as(&world, Some(token), body).await.status(), 200);
            Ok(())
        })
    });
    checked.unwrap();
    runtime.block_on(async {
        let kept = inbox(&world, "webhook").await.len();
        assert_eq!(kept, numbered.load(Relaxed));
    });
    runtime.block_on(async move { drop(world) });
}
