//! Waiting callers get an error at once if LiveKit rejects our key or if the address cannot be listened on.

use std::{
    net::TcpListener,
    process::Output,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    harness::{KEY, SECRET, World},
    play::answer,
    process::output,
};

const MANUAL: (&str, &str) = ("RECORD_ON", "manual");
const WRONG: (&str, &str) = (
    "LIVEKIT_API_SECRET",
    "another secret, long enough to be one",
);
/// Less than a request waits for LiveKit.
const AT_ONCE: Duration = Duration::from_secs(25);

async fn refused(world: &World, path: &str, body: &Value) {
    let asked = Instant::now();
    let problem = answer(world.post(path, body).await, 502).await;
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("LiveKit rejected the API key (401)"),
        "{detail}"
    );
    assert!(!detail.contains("eyJ"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_hears_at_once_of_a_refused_key_for_a_room_known_from_webhooks() {
    let webhooks = format!("{KEY}:{SECRET}");
    let settings = [WRONG, MANUAL, ("LIVEKIT_WEBHOOK_KEYS", &webhooks)];
    let world = World::with(&settings).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let wanted = json!({"room_name": "desk"});
    refused(&world, "/v1/recordings", &wanted).await;
    refused(&world, "/v1/recordings", &wanted).await;
    let other = world.livekit.open_room("recorded-by-an-agent");
    let info = json!({"egressId": "EG_theirs", "roomId": other, "status": "EGRESS_ACTIVE"});
    let started = json!({"event": "egress_started", "id": "EV_theirs", "egressInfo": info});
    world.hook(&started).await;
    world
        .row_where(&other, |row| row.contains_key("Egress ID"))
        .await;
    refused(&world, "/v1/recordings/EG_theirs/stop", &json!({})).await;
}

fn with_a_wrong_secret(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.command(arguments);
    output(command.env(WRONG.0, WRONG.1))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_with_77_when_livekit_refuses_our_key() {
    let mut world = World::with(&[MANUAL]).await;
    for room in ["known", "recorded"] {
        let call = world.livekit.open_room(room);
        world.row_is(&call, "Live").await;
    }
    let started = world.program(&["record", "start", "recorded"]);
    let started: Value = serde_json::from_slice(&started.stdout).unwrap();
    world.stop().await;
    for arguments in [
        ["record", "start", "known"],
        ["record", "start", "unheard-of"],
        ["record", "stop", started["egress_id"].as_str().unwrap()],
    ] {
        let asked = Instant::now();
        let done = with_a_wrong_secret(&world, &arguments);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(77), "{arguments:?}: {said}");
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        assert!(
            said.contains("LiveKit rejected the API key (401)"),
            "{said}"
        );
        assert!(done.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_listened_on_is_reported_in_a_sentence() {
    let mut world = World::new().await;
    world.stop().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let cases = [
        // Of a network that is for examples only (RFC 5737).
        ("192.0.2.1:8080", 64, "is not an address of this machine"),
        (taken.as_str(), 1, "another program listens on"),
    ];
    for (address, code, words) in cases {
        let mut serve = world.command(&["serve"]);
        let done = output(serve.env("LISTEN_ADDR", address));
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(
            said.contains("LISTEN_ADDR: ") && said.contains(words),
            "{said}"
        );
        assert!(!said.contains("os error"), "{said}");
    }
}
