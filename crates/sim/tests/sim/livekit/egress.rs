//! The life of an egress and its ends.

use std::time::Duration;

use livekit_api::services::egress::EgressListFilter;
use livekit_protocol::{AudioCodec, EgressStatus};

use super::shape::{asked_as_here, captured};
use super::world::world;

/// The captured bodies of the same call.
const CAPTURED: [&str; 10] = [
    "001_room_started",
    "004_participant_joined",
    "006_egress_started",
    "007_participant_joined",
    "008_egress_updated_EGRESS_ACTIVE",
    "012_participant_left",
    "013_participant_left",
    "014_room_finished",
    "015_egress_updated_EGRESS_ENDING",
    "016_egress_ended_EGRESS_COMPLETE",
];

#[tokio::test]
async fn a_call_is_recorded_and_reported_as_by_the_real_server() {
    let world = world().await;
    let sid = world.call("call-real-1");
    let started = world
        .start("call-real-1", "recordings/{room_id}.mp3")
        .await
        .unwrap();
    assert_eq!(started.status(), EgressStatus::EgressStarting);
    assert_eq!(started.room_id, sid);
    let id = &started.egress_id;
    world
        .inbox
        .wait(|event| event["egressInfo"]["status"] == "EGRESS_ACTIVE")
        .await;
    assert_eq!(
        world
            .list(EgressListFilter::Room("call-real-1".to_owned()), true)
            .await
            .unwrap()[0]
            .status(),
        EgressStatus::EgressActive
    );

    world.livekit.set_recording_length(Duration::from_secs(7));
    world.livekit.close_room("call-real-1");
    let ended = world.inbox.ended(id).await;
    let file = &ended["fileResults"][0];
    let key = format!("recordings/{sid}.mp3");
    assert_eq!(
        (&ended["status"], &file["filename"], &file["duration"]),
        (
            &"EGRESS_COMPLETE".into(),
            &key.clone().into(),
            &"7000000000".into()
        )
    );
    assert_eq!(file["size"], world.object(&key).await.len().to_string());
    // The room's queue and the egress's know no order between them.
    world
        .inbox
        .wait(|event| event["event"] == "room_finished")
        .await;

    for name in CAPTURED {
        world.inbox.holds_one_like(&captured(name));
    }
    let (joined, left) = ("participant_joined", "participant_left");
    let order = [
        "room_started",
        joined,
        joined,
        joined,
        left,
        left,
        left,
        "room_finished",
    ];
    assert_eq!(world.inbox.room_events(), order);
}

#[tokio::test]
async fn an_egress_that_hears_nothing_is_aborted() {
    let world = world().await;
    world.livekit.open_room("silent");
    let started = world
        .start("silent", "recordings/{room_name}.mp3")
        .await
        .unwrap();
    world.livekit.close_room("silent");
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["error"], &ended["errorCode"]),
        (&"Start signal not received".into(), &412.into())
    );
    let real = asked_as_here(&captured("aborted_no_audio"));
    world.inbox.holds_one_like(&real);

    world.livekit.open_room("stopped");
    let started = world.start("stopped", "x.mp3").await.unwrap();
    let stopped = world.egress.stop_egress(&started.egress_id).await.unwrap();
    assert_eq!(stopped.error, "Stop called before pipeline could start");
    let left = |event: &serde_json::Value| event["event"] == "participant_left";
    let gone = world
        .inbox
        .wait(|event| left(event) && event["room"]["name"] == "stopped")
        .await;
    assert_eq!(gone["participant"]["identity"], started.egress_id);
    let again = world
        .egress
        .stop_egress(&started.egress_id)
        .await
        .unwrap_err()
        .to_string();
    assert!(again.contains("failed_precondition"), "{again}");
    let unknown = world
        .egress
        .stop_egress("EG_unknown")
        .await
        .unwrap_err()
        .to_string();
    assert!(unknown.contains("not_found"), "{unknown}");
}

#[tokio::test]
async fn a_wrong_key_fails_the_upload() {
    let world = world().await;
    world.call("badkey");
    let outputs = world.output("recordings/bad-{room_id}.mp3", "wrong");
    let started = world
        .start_with("badkey", outputs, AudioCodec::AcMp3)
        .await
        .unwrap();
    world.livekit.close_room("badkey");
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["status"], &ended["errorCode"]),
        (&"EGRESS_FAILED".into(), &400.into())
    );
    let error = ended["error"].as_str().unwrap();
    assert!(
        error.starts_with("S3 upload failed: err: operation error S3: PutObject"),
        "{error}"
    );
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    let real = asked_as_here(&captured("failed_upload"));
    world.inbox.holds_one_like(&real);
}

#[tokio::test]
async fn opus_in_an_mp3_fails_the_worker_for_everybody() {
    let world = world().await;
    world.call("opus");
    let started = world
        .start_with(
            "opus",
            world.output("opus-{room_id}.mp3", "secret"),
            AudioCodec::Opus,
        )
        .await
        .unwrap();
    let ended = world.inbox.ended(&started.egress_id).await;
    assert_eq!(
        (&ended["error"], &ended["errorCode"]),
        (
            &"failed to link audio to file: no common format".into(),
            &500.into()
        )
    );
    let real = asked_as_here(&captured("failed_opus_in_mp3"));
    world.inbox.holds_one_like(&real);
    assert!(
        world
            .start("opus", "x.mp3")
            .await
            .unwrap_err()
            .contains("unavailable")
    );
    world.livekit.restart_egress_worker();
    world.start("opus", "x.mp3").await.unwrap();
}

#[tokio::test]
async fn limits_deaths_and_second_starts() {
    let world = world().await;
    world.call("long +1/ünï");
    let first = world
        .start("long +1/ünï", "recordings/{room_name}-{utc}")
        .await
        .unwrap()
        .egress_id;
    let second = world
        .start("long +1/ünï", "second.mp3")
        .await
        .unwrap()
        .egress_id;
    assert_ne!(first, second);
    world.livekit.kill_egress(&second);
    world.livekit.egress_limit_reached(&first);
    let ended = world.inbox.ended(&first).await;
    assert_eq!(
        (&ended["status"], &ended["errorCode"]),
        (&"EGRESS_LIMIT_REACHED".into(), &413.into())
    );
    let filename = ended["fileResults"][0]["filename"].as_str().unwrap();
    assert!(
        filename.starts_with("recordings/long +1/ünï-20") && filename.ends_with(".mp3"),
        "{filename}"
    );
    assert!(!world.object(filename).await.is_empty());
    world.livekit.close_room("long +1/ünï");
    let running = world.list(EgressListFilter::All, true).await.unwrap();
    assert_eq!(
        running
            .iter()
            .map(|info| &info.egress_id)
            .collect::<Vec<_>>(),
        [&second]
    );
    let unknown = world
        .list(EgressListFilter::Egress("EG_unknown".to_owned()), false)
        .await
        .unwrap_err();
    assert!(unknown.contains("not_found"), "{unknown}");
}
