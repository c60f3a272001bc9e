//! IDs are `[A-Za-z0-9_-]{1,64}`. What has another one is kept and shown, and forges no line of the log.

use serde_json::{Value, json};

use super::{api, errors, hook, joined, on_both};
use crate::{
    harness::{World, agent},
    process::Serve,
};

const FORGED: &str = "RM_a\n2026-01-01T00:00:00Z  INFO forged: all is well";

fn bad_rooms() -> Vec<String> {
    let long = format!("RM_{}", "x".repeat(300_000));
    vec![
        FORGED.into(),
        long,
        "RM_é".into(),
        "RM_a b".into(),
        "../RM_a".into(),
    ]
}

fn room(sid: &str) -> Value {
    json!({ "sid": sid, "name": "invalid" })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_with_odd_ids_are_kept_with_the_reason_and_make_no_call() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let mut sent = 0;
        for sid in bad_rooms() {
            hook(
                &world,
                &json!({ "event": "room_started", "room": room(&sid) }),
            )
            .await;
            let info = json!({ "egressId": "EG_1", "roomId": sid, "roomName": "invalid", "status": "EGRESS_ACTIVE",
                "roomComposite": { "fileOutputs": [{ "filepath": "a.mp3" }] } });
            hook(
                &world,
                &json!({ "event": "egress_started", "egressInfo": info }),
            )
            .await;
            let egress = sid.replace("RM_", "EG_");
            let info = json!({ "egressId": egress, "roomId": "RM_good", "roomName": "invalid", "status": "EGRESS_ACTIVE",
                "roomComposite": { "fileOutputs": [{ "filepath": "a.mp3" }] } });
            hook(
                &world,
                &json!({ "event": "egress_started", "egressInfo": info }),
            )
            .await;
            sent += 3;
        }
        let reasons = errors(&world, "webhook", sent).await;
        for (n, reason) in reasons.iter().enumerate() {
            let reason = reason.as_deref().unwrap_or_default();
            let which = if n % 3 == 2 {
                "the egress' ID"
            } else {
                "the room's ID"
            };
            assert!(reason.starts_with(which), "{n}: {reason:?}");
        }
        hook(
            &world,
            &json!({ "event": "room_started", "room": room("RM_good") }),
        )
        .await;
        world.row_is("RM_good", "Live").await;
        let calls = api(&world, "/v1/calls").await;
        assert_eq!(calls["calls"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_with_an_odd_id_is_shown() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let person = json!({ "sid": "PA_1\nforged", "identity": "sip", "kind": "SIP",
            "attributes": { "sip.phoneNumber": "+15550100" } });
        hook(&world, &joined("RM_people", &person)).await;
        let nameless = json!({ "identity": "whatsapp:+15550100 é", "kind": "CONNECTOR" });
        hook(&world, &joined("RM_people", &nameless)).await;
        let row = world.row_where("RM_people", |row| row.contains_key("Caller"));
        assert_eq!(row.await["Caller"], "+15550100");
        errors(&world, "webhook", 2).await;
        let call = api(&world, "/v1/calls/RM_people").await;
        let people = call["participants"].as_array().unwrap();
        assert_eq!(people.len(), 2);
        for person in people {
            let sid = person["sid"].as_str().unwrap();
            let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            assert!(sid.len() <= 64 && sid.chars().all(is_good), "{sid:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_an_odd_id_is_kept_and_goes_to_the_room_that_it_names() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let of_job = |job: &str, words: &str| {
            json!({ "room": "desk", "room_id": FORGED, "job_id": job,
            "turns": [{ "speaker": "agent", "text": words }] })
        };
        for (job, words) in [
            ("AJ 1\n", "Hello there."),
            (&"AJ 1".repeat(80_000), "Good bye."),
        ] {
            let answer = world.post("/v1/transcripts", &of_job(job, words)).await;
            assert_eq!(answer.status(), 202);
        }
        let both = |row: &crate::reader::Row| {
            let text = row
                .get("Transcript")
                .and_then(Value::as_str)
                .unwrap_or_default();
            text.contains("Hello there.") && text.contains("Good bye.")
        };
        world.row_where(&call, both).await;
        let alone =
            json!({ "room_id": FORGED, "turns": [{ "speaker": "agent", "text": "Hello." }] });
        let answer = world.post("/v1/transcripts", &alone).await;
        assert_eq!(answer.status(), 202);
        let answer: Value = answer.json().await.unwrap();
        let detail = answer["detail"].as_str().unwrap();
        assert!(
            detail.contains("the room's ID") && !detail.contains('\n'),
            "{detail}"
        );
        let reasons = errors(&world, "report", 3).await;
        let invalid = |reason: &&Option<String>| {
            reason
                .as_ref()
                .is_some_and(|it| it.contains("the room's ID"))
        };
        assert_eq!(reasons.iter().filter(invalid).count(), 1, "{reasons:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requested_id_is_a_piece_of_the_path() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        let call = world.livekit.open_room("desk");
        world.livekit.join("desk", agent());
        world.row_is(&call, "Live").await;
        let id = format!("../{}\n{}", "a".repeat(300_000), "b".repeat(300_000));
        let asked = json!({ "room_name": "desk", "room_id": id });
        let answer = world.post("/v1/recordings", &asked).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let key = answer["filename"].as_str().unwrap();
        let name = key.strip_prefix("recordings/").unwrap();
        assert!(
            name.len() <= 200 && name.starts_with("__aaa") && name.ends_with(".mp3"),
            "{key:?}"
        );
        let sql = "SELECT MAX(OCTET_LENGTH(state)) FROM calls";
        let bytes =
            sqlx::query_scalar::<_, i64>(&*format!("SELECT CAST(({sql}) AS BIGINT)").leak());
        let bytes = bytes
            .fetch_one(&mut super::database(&world).await)
            .await
            .unwrap();
        assert!(bytes < 20_000, "{bytes} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_outside_forges_a_line_of_the_log() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let mut sent = 0;
    for sid in bad_rooms() {
        let participant = json!({ "sid": sid, "identity": FORGED, "name": FORGED });
        hook(&world, &joined("RM_log", &participant)).await;
        hook(
            &world,
            &json!({ "event": "room_started", "room": room(&sid) }),
        )
        .await;
        sent += 2;
    }
    let info = json!({ "egressId": "EG_1", "roomId": "RM_log", "status": "EGRESS_FAILED", "error": FORGED,
        "roomComposite": { "fileOutputs": [{ "filepath": FORGED }] } });
    hook(
        &world,
        &json!({ "event": "egress_ended", "egressInfo": info }),
    )
    .await;
    errors(&world, "webhook", sent + 1).await;
    world.row_where("RM_log", |_| true).await;
    assert_eq!(serve.stop().await, Some(0));
    let said = serve.said();
    let lines = said.lines().filter(|line| line.contains("the room's ID"));
    assert_eq!(lines.count(), bad_rooms().len(), "{said}");
    assert!(
        !said.lines().any(|line| line.contains("INFO forged")),
        "{said}"
    );
    assert!(said.lines().all(|line| line.len() < 2_000), "{said}");
}
