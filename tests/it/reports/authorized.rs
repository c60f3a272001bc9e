//! A LiveKit token reports its own room's words, also when the call is not known yet; and a date in the future does not make
//! a report the last one.

use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use serde_json::{Value, json};

use super::{both, report, row_has};
use crate::{
    harness::{World, caller, token},
    play::{answer, text},
};

/// A report by an agent of this room, of the call with this sid.
async fn sent_by(world: &World, room: &str, sid: &str, words: &str) -> Value {
    let grants = VideoGrants {
        room_admin: true,
        room: room.into(),
        ..VideoGrants::default()
    };
    let body =
        json!({ "room_id": sid, "room": room, "turns": [{ "role": "user", "content": words }] });
    let request = world.http.post(world.url("/v1/transcripts")).json(&body);
    let sent = request.bearer_auth(token(grants)).send().await.unwrap();
    answer(sent, 202).await
}

async fn has_no_words(world: &World, call: &str) {
    world
        .row_where(call, |row| row.contains_key("Caller"))
        .await;
    // It would be there with the caller, or a moment later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let row = world.row(call).await.unwrap();
    assert_eq!(text(&row, "Transcript"), "", "{row:#?}");
}

/// LiveKit names both rooms; what `mine` sent for both is in the row of its own.
async fn only_mine_has_words(world: &World) {
    for (room, sid) in [("theirs", "RM_theirs"), ("mine", "RM_mine")] {
        world.livekit.adopt_room(room, sid);
        world.livekit.join(room, caller("+15550100"));
    }
    row_has(world, "RM_mine", "Caller: Mine.").await;
    has_no_words(world, "RM_theirs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_for_a_call_that_is_not_known_yet_are_not_taken_from_another_rooms_token() {
    for world in both().await {
        for (sid, words) in [("RM_theirs", "Forged."), ("RM_mine", "Mine.")] {
            let answer = sent_by(&world, "mine", sid, words).await;
            assert_eq!(answer["call_id"], Value::Null, "{answer}");
        }
        only_mine_has_words(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_for_a_call_without_a_name_wait_for_the_name() {
    for world in both().await {
        for (sid, egress) in [("RM_theirs", "EG_theirs"), ("RM_mine", "EG_mine")] {
            let info = json!({ "egressId": egress, "roomId": sid, "status": "EGRESS_ACTIVE",
                "roomComposite": { "fileOutputs": [{ "filepath": format!("{sid}.mp3") }] } });
            let event =
                json!({ "event": "egress_started", "id": format!("EV_{sid}"), "egressInfo": info });
            world.hook(&event).await;
            world.row_where(sid, |_| true).await;
            let answer = sent_by(&world, "mine", sid, "Mine.").await;
            assert_eq!(answer["call_id"], Value::Null, "{answer}");
        }
        only_mine_has_words(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_from_the_future_is_replaced_by_the_next_one() {
    for world in both().await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let now = livekit_airtable::telemetry::now().as_second();
        let ahead = [(now + 400 * 24 * 3600, "Forged."), (now + 360, "Early.")];
        for (at, words) in ahead.into_iter().chain([(now, "Right.")]) {
            let body = json!({ "timestamp": at, "job_id": "AJ_1", "turns": [{ "role": "user", "content": words }] });
            let (status, answer) = report(&world, "?room=desk", &body).await;
            assert_eq!(status, 202, "{answer}");
            row_has(&world, &call, &format!("Caller: {words}")).await;
        }
    }
}
