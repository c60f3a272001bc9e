//! Reports that name their room by its sid, and reports whose call has no known participants.

use serde_json::{Value, json};

use super::{both, report, row_has};
use crate::harness::{agent, caller};

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_an_unknown_sid_waits_and_makes_no_call() {
    for world in both().await {
        let body = json!([{ "role": "user", "content": "Early." }]);
        let (status, answer) = report(&world, "?room_id=RM_zzz", &body).await;
        assert_eq!(
            (status, &answer["call_id"]),
            (202, &Value::Null),
            "{answer}"
        );
        let detail = answer["detail"].as_str().unwrap();
        assert!(
            detail.contains("RM_zzz") && detail.contains("waits"),
            "{detail}"
        );
        let calls = world.get("/v1/calls").await.text().await.unwrap();
        assert!(!calls.contains("RM_zzz"), "{calls}");
        let unknown = world.get("/v1/calls/RM_zzz").await;
        assert_eq!(unknown.status(), 404);
        world.livekit.adopt_room("late", "RM_zzz");
        world.livekit.join("late", caller("+15550100"));
        let row = row_has(&world, "RM_zzz", "Caller: Early.").await;
        assert_eq!(row["Room"], "late");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn speakers_wait_for_participants_that_livekit_has_not_reported() {
    for world in both().await {
        let call = world.livekit.open_room("nobody-yet");
        world.row_is(&call, "Live").await;
        let body = json!([
            { "speaker": "Ava", "text": "Hello." },
            { "participant_identity": "sip_+15550100", "text": "Hi." },
        ]);
        let (status, answer) = report(&world, "?room=nobody-yet", &body).await;
        assert_eq!(
            (status, &answer["call_id"]),
            (202, &json!(call)),
            "{answer}"
        );
        assert_eq!(answer["ignored"], Value::Null, "{answer}");
        world.livekit.join("nobody-yet", agent());
        world.livekit.join("nobody-yet", caller("+15550100"));
        row_has(&world, &call, "Agent: Hello.\nCaller: Hi.").await;
    }
}
