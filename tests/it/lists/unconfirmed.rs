//! Starts that led to no recording of the call: the answer was lost or empty, or names another session of the room.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use livekit_protocol as proto;
use prost::Message;
use serde_json::Value;

use super::front::{Answer, nothing, twirp, world};
use crate::{
    harness::{PATIENCE, World, agent, caller},
    play::{answer, text},
    real::postgres::fresh_database,
};

const START: &str = "StartRoomCompositeEgress";

/// Answers after which the recording may run, and what people read of them.
fn unclear() -> Vec<(Answer, &'static str)> {
    let page = |status| (status, "text/html", b"<html>Bad Gateway</html>".to_vec());
    vec![
        (
            twirp(408, "deadline_exceeded", "request timed out"),
            "deadline_exceeded (408): request timed out",
        ),
        (page(502), "LIVEKIT_URL answered 502"),
        (page(200), "LIVEKIT_URL answered 200"),
        (nothing(), "LIVEKIT_URL answered 200"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclear_answer_to_a_start_is_in_the_row_until_the_call_is_recorded() {
    let (world, front) = world(&[]).await;
    for (n, (unclear, words)) in unclear().into_iter().enumerate() {
        let room = format!("desk-{n}");
        front.answer(START, unclear);
        let call = world.livekit.open_room(&room);
        let row = world.row_where(&call, |row| text(row, "Error").contains(words));
        let row = row.await;
        let error = text(&row, "Error");
        for words in ["did not confirm", "Retrying while the call is open"] {
            assert!(error.contains(words), "{error}");
        }
        front.tell_the_truth();
        let row = world.row_where(&call, |row| row.contains_key("Egress ID"));
        assert_eq!(text(&row.await, "Error"), "");
        assert_eq!(world.livekit.starts().len(), n + 1, "recorded once");
        world.livekit.close_room(&room);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_closes_after_unclear_answers_keeps_livekits_words() {
    let (world, front) = world(&[]).await;
    let (unclear, words) = unclear().remove(0);
    front.answer(START, unclear);
    let call = world.livekit.open_room("desk");
    world
        .row_where(&call, |row| text(row, "Error").contains(words))
        .await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    assert!(text(&row, "Error").contains(words), "{row:#?}");
}

/// LiveKit lists the room with another session than the one that it records.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_records_another_session_is_not_sent_again_while_that_runs() {
    let (world, front) = world(&[]).await;
    let call = world.livekit.open_room("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    let listed = proto::Room {
        sid: "RM_wrong".into(),
        name: "desk".into(),
        creation_time: Timestamp::now().as_second(),
        ..Default::default()
    };
    let rooms = proto::ListRoomsResponse {
        rooms: vec![listed],
    };
    let rooms = rooms.encode_to_vec();
    front.answer("ListRooms", (200, "application/protobuf", rooms));
    let row = world.row_where("RM_wrong", |row| {
        text(row, "Error").contains("another session")
    });
    assert!(text(&row.await, "Error").contains(&call));
    let tries = |delivery: &Value| delivery["history"].as_array().unwrap().len() >= 4;
    egress_delivery(&world, "RM_wrong", tries).await;
    let starts = world.livekit.starts();
    assert_eq!(starts.len(), 2, "one for each session: {starts:?}");
    livekit_works(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_during_which_the_call_changes_is_reported_once_and_stays() {
    a_refusal_stays(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_during_which_the_call_changes_is_reported_once_and_stays_on_postgres() {
    a_refusal_stays(&[("DATABASE_URL", &fresh_database().await)]).await;
}

async fn a_refusal_stays(settings: &[(&str, &str)]) {
    let (mut world, front) = world(settings).await;
    world.stop().await;
    let serve = world.serve().await;
    let words = "egress is disabled for this account";
    front.answer(START, twirp(403, "permission_denied", words));
    front.delay(Duration::from_millis(1500));
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    let row = world.row_where(&call, |row| text(row, "Error").contains(words));
    assert_eq!(text(&row.await, "Caller"), "+15551234567");
    // The change that came meanwhile makes the delivery due again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = egress_delivery(&world, &call, |it| it["state"] == "dead").await;
    assert_eq!(refused["history"].as_array().unwrap().len(), 1, "{refused}");
    assert_eq!(front.calls(START), 1);
    serve.terminate().await;
    let log = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    assert_eq!(log.matches("failed permanently; it is kept").count(), 1);
}

/// Waits until the health page has looked at LiveKit again, which must not be shown as failing.
async fn livekit_works(world: &World) {
    let begun = Timestamp::now();
    let asked = Instant::now();
    loop {
        let page = world.get("/ops/health").await.text().await.unwrap();
        let row = page.split("data-dependency=\"LiveKit\"").nth(1);
        let row = row.and_then(|row| row.split("</tr>").next());
        let row = row.unwrap_or_default();
        assert!(!row.contains(">failing<"), "{row}");
        let times = row.split("datetime=\"").skip(1);
        let mut times = times.filter_map(|it| it.split('"').next()?.parse::<Timestamp>().ok());
        if times.any(|at| at > begun) {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "{page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the delivery that starts this call's recording is so.
async fn egress_delivery(world: &World, call: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let asked = Instant::now();
    loop {
        let detail = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
        let all = detail["deliveries"].as_array().unwrap();
        let found = all.iter().find(|it| it["sink"] == "egress" && is_so(it));
        if let Some(found) = found {
            return found.clone();
        }
        assert!(asked.elapsed() < PATIENCE, "{detail:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
