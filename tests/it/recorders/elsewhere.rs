//! Egresses that record the room into another bucket, onto a disk, or into LiveKit's backup storage.

use livekit_protocol as proto;
use proto::encoded_file_output::Output;

use super::{asks, composite, engines, error_has, file, recording, records, refs, s3};
use crate::{
    harness::{World, caller},
    play::text,
};

/// A service that follows what others start.
const MANUAL: [(&str, &str); 2] = [("RECORD_ON", "manual"), ("EGRESS_LOST_AFTER", "2s")];

type OutputOf = fn(&World) -> Option<Output>;

async fn open(world: &World) -> String {
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn another_bucket_is_said_at_once_and_never_lost() {
    for engine in engines().await {
        let world = World::with(&refs(&engine, &MANUAL)).await;
        let call = open(&world).await;
        let request = composite("desk", file("a.mp3", s3(&world, "other")));
        let theirs = asks(&world, "StartRoomCompositeEgress", &request).await;
        let reported = error_has("recorded to bucket \"other\" (endpoint http://127.0.0.1:");
        let row = world.row_where(&call, reported).await;
        assert_eq!(row["Status"], "Live");
        assert!(text(&row, "Error").contains("but S3_BUCKET is \"recordings\""));
        let shown = recording(&world, &call, &theirs).await;
        assert_eq!(shown["note"], text(&row, "Error"));
        world.livekit.speak("desk");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "No recording").await;
        assert!(error_has("bucket \"other\"")(&row), "{row:#?}");
        assert!(!error_has("never")(&row), "{row:#?}");
        assert_eq!(text(&row, "Recording URL"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_runs_beside_what_is_recorded_elsewhere() {
    let outputs: [(&str, OutputOf); 5] = [
        ("bucket \"other\"", |world| {
            Some(Output::S3(s3(world, "other")))
        }),
        ("(endpoint https://elsewhere.example.com)", |world| {
            Some(Output::S3(proto::S3Upload {
                endpoint: "https://elsewhere.example.com".into(),
                ..s3(world, "recordings")
            }))
        }),
        ("Google Cloud Storage bucket \"recordings\"", |_| {
            Some(Output::Gcp(proto::GcpUpload {
                bucket: "recordings".into(),
                ..Default::default()
            }))
        }),
        ("Azure container \"recordings\"", |_| {
            Some(Output::Azure(proto::AzureBlobUpload {
                container_name: "recordings".into(),
                ..Default::default()
            }))
        }),
        ("the disk of the egress host", |_| None),
    ];
    for (said, output) in outputs {
        let world = World::new().await;
        world.livekit.lose_webhooks(true);
        let call = world.livekit.open_room("desk");
        let request = composite(
            "desk",
            proto::EncodedFileOutput {
                output: output(&world),
                ..file("/out/theirs.mp3", s3(&world, ""))
            },
        );
        let theirs = asks(&world, "StartRoomCompositeEgress", &request).await;
        world.livekit.lose_webhooks(false);
        world.livekit.join("desk", caller("+15551234567"));
        world.livekit.speak("desk");
        let own = |row: &_| !["", theirs.as_str()].contains(&text(row, "Egress ID"));
        world.row_where(&call, own).await;
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(text(&row, "Error"), "", "{said}");
        assert!(text(&row, "Recording URL").contains(&call), "{row:#?}");
        let note = recording(&world, &call, &theirs).await["note"].to_string();
        assert!(note.replace("\\\"", "\"").contains(said), "{said}: {note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_storage_is_judged_by_where_the_file_ended() {
    for (default, status) in [(true, "Complete"), (false, "No recording")] {
        let world = World::with(&MANUAL).await;
        if default {
            world.livekit.set_default_storage(s3(&world, "recordings"));
        }
        let call = open(&world).await;
        let unnamed = proto::EncodedFileOutput {
            output: None,
            ..file("recordings/unnamed.mp3", s3(&world, ""))
        };
        let request = composite("desk", unnamed);
        let theirs = asks(&world, "StartRoomCompositeEgress", &request).await;
        world.livekit.speak("desk");
        let row = world.row_where(&call, records(&theirs)).await;
        let note = recording(&world, &call, &theirs).await["note"].to_string();
        assert!(note.contains("names no storage"), "{note} {row:#?}");
        world.livekit.close_room("desk");
        let row = world.row_is(&call, status).await;
        assert_eq!(text(&row, "Error").is_empty(), default, "{row:#?}");
        if !default {
            assert!(error_has("the disk of the egress host")(&row), "{row:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_storage_is_said_at_once() {
    let world = World::new().await;
    world.livekit.set_backup_storage(true);
    let (call, egress) = world.talk("desk").await;
    world.storage.refuse(1, 403);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    assert!(error_has("backup storage")(&row), "{row:#?}");
    let note = recording(&world, &call, &egress).await["note"].to_string();
    assert!(note.contains("backup storage"), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_where_the_recording_went() {
    let mut world = World::with(&MANUAL).await;
    world.stop().await;
    let serve = world.serve().await;
    let call = open(&world).await;
    let request = composite("desk", file("a.mp3", s3(&world, "other")));
    asks(&world, "StartRoomCompositeEgress", &request).await;
    world.row_where(&call, error_has("\"other\"")).await;
    serve.terminate().await;
    let said = std::fs::read_to_string(world.folder.path().join("stderr")).unwrap();
    let line = said
        .lines()
        .find(|line| line.contains("recorded to bucket"));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains(&call) && line.contains("WARN"), "{line}");
}
