//! LiveKit's refusals in its own words: in Error, in the answer to a request, in the log, and on the command line.

use std::time::{Duration, Instant};

use serde_json::json;

use super::front::{Answer, Front, twirp, world};
use crate::{
    harness::World,
    play::{answer, text},
};

const MANUAL: (&str, &str) = ("RECORD_ON", "manual");
const START: &str = "StartRoomCompositeEgress";

/// Refusals that stay: what LiveKit answers, and what people read of it.
fn lasting() -> Vec<(Answer, &'static str)> {
    let plain = |status, words: &str| (status, "text/plain", words.as_bytes().to_vec());
    vec![
        (
            twirp(
                403,
                "permission_denied",
                "egress is disabled for this account",
            ),
            "permission_denied (403): egress is disabled for this account",
        ),
        (
            twirp(412, "failed_precondition", "the room is being moved"),
            "failed_precondition (412): the room is being moved",
        ),
        (
            twirp(451, "unavailable_for_legal_reasons", "not in this country"),
            "unavailable_for_legal_reasons (451): not in this country",
        ),
        (plain(451, "not in this country"), "451"),
        (plain(451, "not in this country"), "not in this country"),
    ]
}

fn blames_the_key(text: &str) -> bool {
    text.contains("API key") || text.contains("LIVEKIT_API")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_stays_is_reported_everywhere_in_livekits_words() {
    let (mut world, front) = world(&[MANUAL]).await;
    for (n, (refusal, words)) in lasting().into_iter().enumerate() {
        let room = format!("desk-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        front.answer(START, refusal);
        let wanted = json!({ "room_name": room });
        let problem = answer(world.post("/v1/recordings", &wanted).await, 502).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(words) && !blames_the_key(detail),
            "{detail}"
        );
        let row = world.row_where(&call, |row| text(row, "Error").contains(words));
        assert!(!blames_the_key(text(&row.await, "Error")));
    }
    let call = world.livekit.open_room("by-hand");
    world.row_is(&call, "Live").await;
    let (refusal, words) = lasting().remove(0);
    front.answer(START, refusal);
    world.stop().await;
    let done = world.program(&["record", "start", "by-hand"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(77), "{said}");
    assert!(said.contains(words) && !blames_the_key(&said), "{said}");
}

const BUSY: &str = "resource_exhausted (429): concurrent egress sessions limit exceeded";

fn busy(front: &Front) {
    let words = "concurrent egress sessions limit exceeded";
    front.answer(START, twirp(429, "resource_exhausted", words));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_may_pass_is_reported_and_tried_again() {
    let (world, front) = world(&[MANUAL]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    busy(&front);
    let wanted = json!({"room_name": "desk"});
    for _ in 0..2 {
        let pending = answer(world.post("/v1/recordings", &wanted).await, 202).await;
        let reason = pending["reason"].as_str().unwrap();
        assert!(reason.contains(BUSY), "{reason}");
        assert!(
            reason.contains("Retrying while the call is open"),
            "{reason}"
        );
        assert_eq!(pending["status"], "pending");
        assert_eq!(pending["egress_id"], json!(null));
    }
    let row = world.row_where(&call, |row| text(row, "Error").contains(BUSY));
    assert_eq!(row.await["Status"], "Live");
    front.tell_the_truth();
    let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
    assert_eq!(text(&row.await, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_within_a_minute_and_says_why() {
    let (mut world, front) = world(&[MANUAL]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    busy(&front);
    world.stop().await;
    let asked = Instant::now();
    let done = world.program(&["record", "start", "desk"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(asked.elapsed() < Duration::from_secs(60), "{said}");
    assert_eq!(done.status.code(), Some(69), "{said}");
    assert!(said.contains(BUSY), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_livekits_words() {
    let (mut world, front) = world(&[]).await;
    world.stop().await;
    let serve = world.serve().await;
    busy(&front);
    let call = world.livekit.open_room("busy");
    world
        .row_where(&call, |row| text(row, "Error").contains(BUSY))
        .await;
    let (refusal, words) = lasting().remove(0);
    front.answer(START, refusal);
    let call = world.livekit.open_room("disabled");
    world
        .row_where(&call, |row| text(row, "Error").contains(words))
        .await;
    serve.terminate().await;
    let log = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    for words in [BUSY, words] {
        assert!(log.contains(words), "{log}");
    }
    assert!(!blames_the_key(&log), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_hears_why_livekit_does_not_list_its_rooms() {
    let (world, front) = world(&[MANUAL]).await;
    front.answer(
        "ListRooms",
        twirp(403, "permission_denied", "the project is suspended"),
    );
    world.livekit.lose_webhooks(true);
    world.livekit.open_room("desk");
    let wanted = json!({"room_name": "desk"});
    let problem = answer(world.post("/v1/recordings", &wanted).await, 502).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("the project is suspended"), "{detail}");
    assert!(!blames_the_key(detail), "{detail}");
}

/// LiveKit says that there is no such room, though it is open.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_livekit_denies_once_is_recorded_all_the_same() {
    let (world, front) = world(&[]).await;
    front.answer(
        START,
        twirp(404, "not_found", "requested room does not exist"),
    );
    let call = world.livekit.open_room("desk");
    let reported = world.row_where(&call, |row| text(row, "Error").contains("404"));
    assert!(text(&reported.await, "Error").contains("Retrying"));
    front.tell_the_truth();
    let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
    assert_eq!(text(&row.await, "Error"), "");
    assert_recorded_once(&world);
}

/// A list that lacks the room refuses no request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_room_that_the_list_lacks_is_granted() {
    let (world, front) = world(&[MANUAL]).await;
    world.livekit.lose_webhooks(true);
    front.cut_off_lists();
    world.livekit.open_room("desk");
    let wanted = json!({"room_name": "desk"});
    let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    assert_eq!(started["room_name"], "desk");
}

fn assert_recorded_once(world: &World) {
    assert_eq!(
        world.livekit.starts().len(),
        1,
        "{:?}",
        world.livekit.starts()
    );
}
