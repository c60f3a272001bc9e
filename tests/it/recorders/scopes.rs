//! What is no recording of the call is not adopted: ours is started beside it.

use livekit_protocol as proto;
use proto::{audio_route::Match, media_source, output, start_egress_request::Source};
use serde_json::Value;

use super::{asks, composite, file, records, s3};
use crate::{
    harness::{World, caller, eventually},
    play::{answer, text},
};

/// Starts what `others` start before the service hears of the room; the call and that egress.
async fn beside(world: &World, method: &str, request: &impl serde::Serialize) -> (String, String) {
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("desk");
    let theirs = asks(world, method, request).await;
    world.livekit.lose_webhooks(false);
    world.livekit.join("desk", caller("+15551234567"));
    world.livekit.speak("desk");
    (call, theirs)
}

/// Ours records the call, and theirs goes on.
async fn is_recorded_by_ours(world: &World, (call, theirs): (String, String)) {
    let own = |row: &_| !["", theirs.as_str()].contains(&text(row, "Egress ID"));
    world.row_where(&call, own).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    assert!(text(&row, "Recording URL").contains(&call), "{row:#?}");
    let detail = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
    let recordings = detail["recordings"].to_string();
    assert!(!recordings.contains(&theirs), "{recordings}");
}

fn v2(world: &World, source: Source, config: output::Config) -> proto::StartEgressRequest {
    let s3 = proto::storage_config::Provider::S3(s3(world, "recordings"));
    proto::StartEgressRequest {
        room_name: "desk".into(),
        source: Some(source),
        outputs: vec![proto::Output {
            config: Some(config),
            ..Default::default()
        }],
        storage: Some(proto::StorageConfig { provider: Some(s3) }),
        ..Default::default()
    }
}

fn v2_file(filepath: &str) -> output::Config {
    output::Config::File(proto::FileOutput {
        filepath: filepath.into(),
        ..Default::default()
    })
}

fn media(audio: proto::AudioConfig) -> Source {
    Source::Media(proto::MediaSource {
        audio: Some(audio),
        video: None::<media_source::Video>,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_and_a_participant_are_not_the_call() {
    let world = World::new().await;
    let track = proto::TrackEgressRequest {
        room_name: "desk".into(),
        track_id: "TR_1".into(),
        output: Some(proto::track_egress_request::Output::File(
            proto::DirectFileOutput {
                filepath: "recordings/track.ogg".into(),
                output: Some(proto::direct_file_output::Output::S3(s3(
                    &world,
                    "recordings",
                ))),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    let call = beside(&world, "StartTrackEgress", &track).await;
    is_recorded_by_ours(&world, call).await;

    let participant = proto::ParticipantEgressRequest {
        room_name: "desk".into(),
        identity: "agent-ava".into(),
        file_outputs: vec![file("recordings/agent.mp3", s3(&world, "recordings"))],
        ..Default::default()
    };
    let call = beside(&world, "StartParticipantEgress", &participant).await;
    is_recorded_by_ours(&world, call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_track_by_start_egress_is_not_the_call() {
    let world = World::new().await;
    let one_track = proto::AudioConfig {
        capture_all: false,
        routes: vec![proto::AudioRoute {
            r#match: Some(Match::TrackId("TR_1".into())),
            ..Default::default()
        }],
    };
    let request = v2(&world, media(one_track), v2_file("recordings/one.mp3"));
    let call = beside(&world, "StartEgress", &request).await;
    is_recorded_by_ours(&world, call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_segments_and_video_alone_are_not_the_call() {
    let world = World::new().await;
    let images = proto::RoomCompositeEgressRequest {
        room_name: "desk".into(),
        image_outputs: vec![proto::ImageOutput {
            capture_interval: 5,
            ..Default::default()
        }],
        ..Default::default()
    };
    let segments = proto::RoomCompositeEgressRequest {
        room_name: "desk".into(),
        segment_outputs: vec![proto::SegmentedFileOutput {
            filename_prefix: "recordings/part".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let video = proto::RoomCompositeEgressRequest {
        audio_only: false,
        video_only: true,
        ..composite(
            "desk",
            file("recordings/video.mp4", s3(&world, "recordings")),
        )
    };
    for request in [images, segments, video] {
        let call = beside(&world, "StartRoomCompositeEgress", &request).await;
        is_recorded_by_ours(&world, call).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn start_egress_of_the_whole_room_is_adopted_and_taken_over() {
    let world = World::new().await;
    let template = Source::Template(proto::TemplateSource {
        audio_only: true,
        ..Default::default()
    });
    let request = v2(&world, template, v2_file("recordings/v2.mp3"));
    let (call, theirs) = beside(&world, "StartEgress", &request).await;
    world.row_where(&call, records(&theirs)).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert!(text(&row, "Recording URL").contains("v2.mp3"), "{row:#?}");
    assert!(world.livekit.starts().is_empty(), "ours was not needed");

    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world.starts("desk", 1).await;
    let all = proto::AudioConfig {
        capture_all: true,
        routes: Vec::new(),
    };
    let request = v2(&world, media(all), v2_file("recordings/v2-media.mp3"));
    let theirs = asks(&world, "StartEgress", &request).await;
    world.livekit.speak("desk");
    world.row_where(&call, records(&theirs)).await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
    let all = world.egresses().await;
    let running = |it: &&Value| it["status"] == "EGRESS_ACTIVE";
    assert!(
        eventually(|| Some(all.iter().find(running).is_none()))
            .await
            .unwrap()
    );
}
