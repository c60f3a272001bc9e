//! Requests while LiveKit refuses, and after it does no more.

use serde_json::json;

use super::front::{Front, twirp, world};
use crate::{
    harness::World,
    play::{answer, text},
};

const MANUAL: (&str, &str) = ("RECORD_ON", "manual");
const START: &str = "StartRoomCompositeEgress";
const BUSY: &str = "concurrent egress sessions limit exceeded";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_request_asks_livekit_at_once() {
    let (world, front) = world(&[MANUAL]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    front.answer(START, twirp(429, "resource_exhausted", BUSY));
    let wanted = json!({"room_name": "desk"});
    // Two requests take 20 s. By then the backoff is longer than a request waits.
    for _ in 0..2 {
        answer(world.post("/v1/recordings", &wanted).await, 202).await;
    }
    front.answer(START, twirp(429, "resource_exhausted", "another limit"));
    let pending = answer(world.post("/v1/recordings", &wanted).await, 202).await;
    let reason = pending["reason"].as_str().unwrap();
    assert!(reason.contains("another limit"), "{reason}");
    front.tell_the_truth();
    let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(started["room_name"], "desk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_livekit_refuses_is_reported_in_its_words() {
    let (world, front) = world(&[]).await;
    let (_, egress) = world.talk("desk").await;
    stop_is_refused(&front);
    let path = format!("/v1/recordings/{egress}/stop");
    let problem = answer(world.post(&path, &json!({})).await, 502).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("egress is disabled"), "{detail}");
    let done = world.program(&["record", "stop", &egress]);
    assert_eq!(done.status.code(), Some(77), "{done:?}");
    front.tell_the_truth();
    answer(world.post(&path, &json!({})).await, 200).await;
}

fn stop_is_refused(front: &Front) {
    let refusal = twirp(403, "permission_denied", "egress is disabled");
    front.answer("StopEgress", refusal);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_has_livekits_words_about_its_lists() {
    let (world, front) = world(&[MANUAL]).await;
    world.livekit.lose_webhooks(true);
    let refusal = twirp(429, "resource_exhausted", "too many requests");
    front.answer("ListRooms", refusal);
    let done = world.program(&["record", "start", "desk"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(69), "{said}");
    assert!(said.contains("too many requests"), "{said}");
    front.answer("ListRooms", twirp(403, "permission_denied", "suspended"));
    let done = world.program(&["record", "start", "desk"]);
    assert_eq!(done.status.code(), Some(77), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_of_an_agent_is_logged_once_with_its_key() {
    let mut world = World::new().await;
    world.stop().await;
    let serve = world.serve().await;
    let token = super::keys::agents_token();
    for _ in 0..3 {
        let request = world.http.post(world.url("/v1/transcripts?room=desk"));
        let request = request.bearer_auth(&token).json(&json!("Agent: Hi"));
        answer(request.send().await.unwrap(), 401).await;
    }
    serve.terminate().await;
    let log = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    let lines = log.lines().filter(|line| line.contains("/v1 rejected"));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains(r#"iss="APIinjected""#), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_refused_for_good_is_sent_once() {
    let (world, front) = world(&[("RECONCILE_INTERVAL", "1s")]).await;
    front.answer(START, twirp(403, "permission_denied", "disabled"));
    for n in 0..3 {
        let room = format!("desk-{n}");
        let call = world.livekit.open_room(&room);
        world.livekit.join(&room, crate::harness::agent());
        world
            .row_where(&call, |row| text(row, "Error").contains("disabled"))
            .await;
    }
    assert_eq!(front.calls(START), 3);
}
