//! Invalid webhooks and their responses.

use std::{collections::BTreeSet, path::Path};

use livekit_airtable::telemetry;
use serde_json::{Value, json};

use crate::{
    harness::{SECRET, World},
    signed_webhooks::{claims, inbox, jwt, read_message, send, send_as, signature},
};

const OPENED: &str = r#"{"event":"room_started","room":{"sid":"RM_hand","name":"by-hand"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_livekit_did_not_sign_is_401_and_not_stored() {
    let world = World::new().await;
    let body = OPENED.as_bytes();
    let changed = |name: &str, value: Value| {
        let mut claims = claims(body);
        claims[name] = value;
        claims
    };
    let now = telemetry::now().as_second();
    let signed = |claims: Value| Some(jwt("HS256", &claims, SECRET));
    let cases = [
        ("unsigned", None),
        ("no token", Some("nonsense".to_owned())),
        ("wrong secret", Some(jwt("HS256", &claims(body), "another"))),
        ("unknown key", signed(changed("iss", json!("otherkey")))),
        ("expired", signed(changed("exp", json!(now - 120)))),
        ("no exp", signed(changed("exp", Value::Null))),
        ("no sha256", signed(changed("sha256", Value::Null))),
        ("empty sha256", signed(changed("sha256", json!("")))),
        ("not yet", signed(changed("nbf", json!(now + 3600)))),
        ("tampered", Some(signature(b"another body"))),
        ("alg none", Some(jwt("none", &claims(body), SECRET))),
        ("alg HS512", Some(jwt("HS512", &claims(body), SECRET))),
    ];
    for (case, token) in cases {
        let answer = send_as(&world, token, body.to_vec()).await;
        assert_eq!(answer.status(), 401, "{case}");
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json", "{case}");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().len() > 5, "{case}");
        assert!(!problem.to_string().contains("eyJ"), "{case}: {problem}");
    }
    assert_eq!(inbox(&world, "webhook").await, []);
    assert!(world.row("RM_hand").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_be_a_minute_apart() {
    let world = World::new().await;
    let mut claims = claims(OPENED.as_bytes());
    claims["exp"] = json!(telemetry::now().as_second() - 50);
    let token = jwt("HS256", &claims, SECRET);
    let answer = send_as(&world, Some(token), OPENED.into()).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_keys_count_by_iss() {
    let keys = "other:another-secret,devkey:the-secret-before";
    let world = World::with(&[("LIVEKIT_WEBHOOK_KEYS", keys)]).await;
    for (iss, secret, status) in [
        ("devkey", SECRET, 200),
        ("devkey", "the-secret-before", 200),
        ("other", "another-secret", 200),
        ("other", SECRET, 401),
        ("devkey", "another-secret", 401),
    ] {
        let mut claims = claims(OPENED.as_bytes());
        claims["iss"] = json!(iss);
        let token = jwt("HS256", &claims, secret);
        let answer = send_as(&world, Some(token), OPENED.into()).await;
        assert_eq!(answer.status(), status, "{iss} with {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_unreadable_is_kept_with_its_reason() {
    let world = World::new().await;
    let deep = format!(r#"{{"event":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let cases: [(&[u8], &str); 6] = [
        (b"", "EOF"),
        (b"event=room_started", "line 1 column 1"),
        (b"{\"event\":\"room_started\"\xff}", "UTF-8"),
        (b"{\"event\":\"room\0started\"}", "control character"),
        (deep.as_bytes(), "recursion limit"),
        (b"[1,2]", "not a JSON object"),
    ];
    for (n, (body, reason)) in cases.into_iter().enumerate() {
        assert_eq!(send(&world, body).await, 200, "{reason}");
        let message = read_message(&world, "webhook", n + 1).await;
        let error = message.error.unwrap_or_default();
        assert!(error.contains(reason), "{reason}: {error:?}");
        assert_eq!(message.call_id, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_or_odd_does_not_cost_the_event() {
    let world = World::new().await;
    let room = r#""room":{"sid":"RM_odd","name":"odd","numParticipants":null,"metadata":null}"#;
    let cases = [
        format!(r#"{{"event":"room_rebooted",{room},"createdAt":null,"id":null}}"#),
        format!(
            r#"{{"event":"participant_joined",{room},"participant":{{"sid":"PA_1","identity":"i","kind":"HOLOGRAM","state":null,"attributes":null}}}}"#
        ),
        r#"{"event":"egress_updated","egressInfo":{"egressId":"EG_odd","roomId":"RM_odd","roomName":null,"status":"EGRESS_DREAMING","startedAt":null,"fileResults":[{"filename":"odd.mp3","size":null,"duration":null}]}}"#.to_owned(),
        format!(r#"{{"event":null,{room}}}"#),
    ];
    for (n, body) in cases.iter().enumerate() {
        assert_eq!(send(&world, body.as_str()).await, 200);
        let message = read_message(&world, "webhook", n + 1).await;
        assert_eq!(message.error, None, "{body}");
        assert_eq!(message.call_id.as_deref(), Some("RM_odd"), "{body}");
    }
    let nobodys = r#"{"event":"ingress_started","ingressInfo":{"ingressId":"IN_1"}}"#;
    assert_eq!(send(&world, nobodys).await, 200);
    let message = read_message(&world, "webhook", 5).await;
    assert_eq!((message.error, message.call_id), (None, None));
    let reported = |row: &serde_json::Map<String, Value>| row.contains_key("Egress ID");
    let row = world.row_where("RM_odd", reported).await;
    assert_eq!(row["Status"], "Live");
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_characters_in_names_are_dropped() {
    let world = World::new().await;
    let body = r#"{"event":"room_started","room":{"sid":"RM_\u0000nul","name":"a\u0000b"}}"#;
    assert_eq!(send(&world, body).await, 200);
    let row = world.row_is("RM_nul", "Live").await;
    assert_eq!(row["Room"], "ab");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_1_mib_is_413() {
    let world = World::new().await;
    let body = format!(
        r#"{{"event":"room_started","x":"{}"}}"#,
        "x".repeat(2 << 20)
    );
    for token in [Some(signature(body.as_bytes())), None] {
        let answer = send_as(&world, token.clone(), body.clone().into()).await;
        assert_eq!(answer.status(), 413);
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("1 MiB"));
        assert_eq!(chunked(&world, token, &body).await, 413);
    }
    assert_eq!(inbox(&world, "webhook").await, []);
    let edge = OPENED.to_owned() + &" ".repeat((1 << 20) - OPENED.len());
    assert_eq!(send(&world, edge).await, 200, "just 1 MiB");
}

/// Sends the body without a content-length; the status that comes, at the latest when 1 MiB is over.
async fn chunked(world: &World, token: Option<String>, body: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let authorization = token.map_or(String::new(), |t| format!("authorization: {t}\r\n"));
    let head = format!(
        "POST /webhooks/livekit HTTP/1.1\r\nhost: x\r\n{authorization}transfer-encoding: chunked\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for chunk in body.as_bytes().chunks(64 << 10) {
        let size = format!("{:x}\r\n", chunk.len());
        let chunk = [size.as_bytes(), chunk, b"\r\n"].concat();
        // The server may have hung up already; its answer is what counts.
        if socket.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    let answer = std::str::from_utf8(&answer).unwrap();
    answer.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_ten_times_is_one_row_and_one_start() {
    let world = World::new().await;
    world.livekit.lose_webhooks(true);
    let sid = world.livekit.open_room("again");
    let body = json!({
        "event": "room_started", "id": "EV_1", "createdAt": telemetry::now().as_second().to_string(),
        "room": { "sid": sid, "name": "again" },
    });
    for _ in 0..10 {
        assert_eq!(send(&world, body.to_string()).await, 200);
    }
    world.row_is(&sid, "Live").await;
    world.starts("again", 1).await;
    assert_eq!(inbox(&world, "webhook").await.len(), 1);
    world.livekit.lose_webhooks(false);
    world.livekit.speak("again");
    world.livekit.close_room("again");
    world.row_is(&sid, "Complete").await;
    assert_eq!(world.rows().await.len(), 1);
    assert_eq!(world.livekit.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_a_real_calls_events_gives_the_same_row() {
    let events = captured();
    let count = events.len();
    let mut shuffled = events.clone();
    shuffled.sort_by_key(|event| event.len() % 7);
    let evens_first = (0..count).step_by(2).chain((1..count).step_by(2));
    let evens_first = evens_first.map(|n| events[n].clone()).collect();
    let reversed: Vec<String> = events.iter().rev().cloned().collect();
    // The same states once more under ids of their own, and some byte for byte.
    let again = |event: &String| event.replace("\"EV_", "\"EV_again");
    let doubled = shuffled.iter().chain(&reversed).map(again);
    let doubled: Vec<String> = doubled.chain(reversed.iter().take(5).cloned()).collect();
    let mut rows = Vec::new();
    for order in [events, reversed, shuffled, evens_first, doubled] {
        rows.push(row_of("RM_6KXUbx5CgQHS", order).await);
    }
    assert_eq!(rows[0]["Recording size"], 107_989);
    assert_eq!(rows[0]["Duration"], 7);
    for row in &rows[1..] {
        assert_eq!(*row, rows[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_the_other_shape_give_a_row_too() {
    let folder = Path::new("tests/fixtures/livekit");
    let names = [
        "egress_ended_complete",
        "egress_updated_active",
        "egress_started",
        "participant_joined_agent",
        "participant_joined_sip",
        "room_finished",
        "room_started",
    ];
    let path = |name: &str| folder.join(format!("webhook_{name}.json"));
    let events: Vec<String> = names
        .iter()
        .map(|name| std::fs::read_to_string(path(name)).unwrap())
        .collect();
    let row = row_of("RM_hycBMAjmt6Ub", events).await;
    assert_eq!(row["Recording size"], 5_848_512);
    assert_eq!(row["Duration"], 366);
    assert!(row.contains_key("Caller"), "{row:#?}");
}

/// The events of one complete call, as LiveKit sent them.
fn captured() -> Vec<String> {
    let folder = std::fs::read_dir("tests/fixtures/livekit-captured").unwrap();
    let paths = folder.map(|file| file.unwrap().path());
    let numbered = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with('0')
    };
    let mut paths: Vec<_> = paths.filter(numbered).collect();
    paths.sort();
    assert_eq!(paths.len(), 16);
    let read = |path| std::fs::read_to_string(path).unwrap();
    paths.into_iter().map(read).collect()
}

/// The row that these events end in, with the recording's object in the bucket, without what differs by its nature.
async fn row_of(call: &str, events: Vec<String>) -> serde_json::Map<String, Value> {
    let world = World::new().await;
    for event in &events {
        let event: Value = serde_json::from_str(event).unwrap();
        let file = &event["egressInfo"]["fileResults"][0];
        if let Some(size) = file["size"].as_str() {
            let path = world.storage.folder().join("recordings");
            let path = path.join(file["filename"].as_str().unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![7; size.parse().unwrap()]).unwrap();
        }
    }
    for event in &events {
        assert_eq!(send(&world, event.trim()).await, 200);
    }
    let distinct: BTreeSet<&String> = events.iter().collect();
    read_message(&world, "webhook", distinct.len()).await;
    let whole = |row: &serde_json::Map<String, Value>| {
        row.get("Status").is_some_and(|status| status == "Complete")
            && row.contains_key("Agent")
            && row.contains_key("Ended")
    };
    let mut row = world.row_where(call, whole).await;
    assert!(!row.contains_key("Error"), "{row:#?}");
    let url = row["Recording URL"].as_str().unwrap();
    assert_eq!(world.http.get(url).send().await.unwrap().status(), 200);
    for column in ["id", "Recording URL", "Recording URL expires"] {
        row.remove(column);
    }
    row
}
