//! Egresses that end before their room, microphones that nothing is heard from, and requests without their keys.

use livekit_api::services::egress::EgressListFilter;
use livekit_protocol as proto;
use proto::EgressStatus;
use proto::egress_info::Request;
use serde_json::Value;

use super::shape::captured;
use super::world::{World, world};

async fn status(world: &World, egress_id: &str) -> EgressStatus {
    let filter = EgressListFilter::Egress(egress_id.to_owned());
    world.list(filter, false).await.unwrap()[0].status()
}

#[tokio::test]
async fn an_egress_fails_is_aborted_or_dies_while_its_room_is_open() {
    let world = world().await;
    world.call("desk");
    let mut ids = Vec::new();
    for n in 0..3 {
        let started = world.start("desk", &format!("{n}.mp3")).await.unwrap();
        ids.push(started.egress_id);
    }
    world.livekit.fail_egress(&ids[0], "out of memory", 500);
    world.livekit.abort_egress(&ids[1]);
    world.livekit.crash_egress(&ids[2]);
    let failed = world.inbox.ended(&ids[0]).await;
    assert_eq!(
        (&failed["status"], &failed["errorCode"]),
        (&"EGRESS_FAILED".into(), &500.into())
    );
    let aborted = world.inbox.ended(&ids[1]).await;
    assert_eq!(aborted["error"], "Start signal not received");
    let left = |event: &Value| {
        event["event"] == "participant_left" && event["participant"]["identity"] == ids[2].as_str()
    };
    world.inbox.wait(left).await;
    assert_eq!(
        status(&world, &ids[2]).await,
        EgressStatus::EgressActive,
        "for ever"
    );
}

#[tokio::test]
async fn a_microphone_is_reported_as_by_the_real_server() {
    let world = world().await;
    world.call("call-real-1");
    world.livekit.publish("call-real-1", "sip_+15551234567");
    let reported = world
        .inbox
        .wait(|event| event["event"] == "track_published")
        .await;
    let real: Value = serde_json::from_str(&captured("005_track_published")).unwrap();
    for field in ["name", "source", "mimeType"] {
        assert_eq!(reported["track"][field], real["track"][field]);
    }
    let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&reported["participant"]), keys(&real["participant"]));
}

#[tokio::test]
async fn an_upload_that_fails_goes_to_the_backup_storage() {
    let world = world().await;
    world.livekit.set_backup_storage(true);
    world.call("desk");
    let started = world.start("desk", "a.mp3").await.unwrap();
    world.storage.refuse(1, 403);
    world.livekit.close_room("desk");
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["status"], &ended["backupStorageUsed"]),
        (&"EGRESS_COMPLETE".into(), &true.into())
    );
}

/// Redacted like the real ones, in the JSON of webhooks.
#[tokio::test]
async fn requests_are_repeated_without_keys() {
    let world = world().await;
    world.call("desk");
    let started = world.start("desk", "a.mp3").await.unwrap();
    let Some(Request::RoomComposite(request)) = &started.request else {
        panic!("{started:?}");
    };
    let output = request.file_outputs[0].output.as_ref().unwrap();
    let proto::encoded_file_output::Output::S3(upload) = output else {
        panic!("{output:?}");
    };
    assert_eq!(
        (upload.access_key.as_str(), upload.secret.as_str()),
        ("{access_key}", "{secret}")
    );
}

#[tokio::test]
async fn other_programs_end_an_egress_and_publish_by_http() {
    let world = world().await;
    world.call("desk");
    let started = world.start("desk", "a.mp3").await.unwrap();
    let post = async |path: String, body: &'static str| {
        let url = format!("{}/sim/{path}", world.livekit.url());
        let answer = reqwest::Client::new().post(url).body(body).send().await;
        answer.unwrap().status().as_u16()
    };
    let microphone = r#"{"identity": "agent-ava"}"#;
    assert_eq!(post("rooms/desk/publish".into(), microphone).await, 200);
    let id = &started.egress_id;
    assert_eq!(post(format!("egresses/{id}/explode"), "").await, 404);
    assert_eq!(post("egresses/EG_none/fail".into(), "").await, 404);
    assert_eq!(post(format!("egresses/{id}/fail"), "").await, 200);
    assert_eq!(world.inbox.ended(id).await["status"], "EGRESS_FAILED");
}
