//! Several recorders of one call: another program's egress beside ours, egresses that die, files outside of our bucket.

mod elsewhere;
mod handback;
mod notes;
mod parts;
mod prefixes;
mod restarts;
mod scopes;
mod services;
mod silence;
mod takeover;

use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use livekit_protocol as proto;
use serde_json::{Map, Value};

use crate::{
    harness::{World, in_time, token},
    play::{answer, text},
    real::postgres::fresh_database,
};

/// DATABASE_URL for each engine; the first is the harness' own SQLite file.
async fn engines() -> [Vec<(&'static str, String)>; 2] {
    [Vec::new(), vec![("DATABASE_URL", fresh_database().await)]]
}

fn refs<'a>(
    settings: &'a [(&'static str, String)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let all = settings.iter().map(|(name, value)| (*name, value.as_str()));
    all.chain(more.iter().copied()).collect()
}

fn error_has(part: &str) -> impl Fn(&Map<String, Value>) -> bool {
    move |row| text(row, "Error").contains(part)
}

fn records(id: &str) -> impl Fn(&Map<String, Value>) -> bool {
    move |row| text(row, "Egress ID") == id
}

/// Waits until so many starts were asked for and the last egress runs; it.
async fn newest(world: &World, starts: usize) -> String {
    world.starts("desk", starts).await;
    in_time(async {
        loop {
            let all = world.egresses().await;
            let running = |it: &&Value| it["status"] == "EGRESS_ACTIVE";
            if let Some(info) = all.iter().rev().find(running) {
                return info["egressId"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Another program starts its own egress, as the seed's code does; its ID.
async fn agents_egress(world: &World) -> String {
    let request = composite(
        "desk",
        file("recordings/AJ_job.mp3", s3(world, "recordings")),
    );
    asks(world, "StartRoomCompositeEgress", &request).await
}

/// S3 in the world's bucket, or in another.
fn s3(world: &World, bucket: &str) -> proto::S3Upload {
    proto::S3Upload {
        access_key: "test".into(),
        secret: "testsecret".into(),
        region: "auto".into(),
        endpoint: world.storage.url(),
        bucket: bucket.into(),
        force_path_style: true,
        ..Default::default()
    }
}

/// A file of a room composite as the seed's code asks for it.
fn file(filepath: &str, upload: proto::S3Upload) -> proto::EncodedFileOutput {
    proto::EncodedFileOutput {
        file_type: proto::EncodedFileType::Mp3.into(),
        filepath: filepath.into(),
        output: Some(proto::encoded_file_output::Output::S3(upload)),
        ..Default::default()
    }
}

fn composite(room: &str, file: proto::EncodedFileOutput) -> proto::RoomCompositeEgressRequest {
    proto::RoomCompositeEgressRequest {
        room_name: room.into(),
        audio_only: true,
        file_outputs: vec![file],
        ..Default::default()
    }
}

/// Somebody else's request to LiveKit; the answer's egress ID.
async fn asks<M: serde::Serialize>(world: &World, method: &str, request: &M) -> String {
    let info = twirp(world, &format!("livekit.Egress/{method}"), request).await;
    info["egress_id"].as_str().unwrap().to_owned()
}

async fn twirp<M: serde::Serialize>(world: &World, method: &str, request: &M) -> Value {
    let grants = VideoGrants {
        room_record: true,
        room_create: true,
        ..VideoGrants::default()
    };
    let url = format!("{}/twirp/{method}", world.livekit.url());
    let asked = world
        .http
        .post(url)
        .bearer_auth(token(grants))
        .json(request);
    answer(asked.send().await.unwrap(), 200).await
}

/// A recording of the call in `/v1`.
async fn recording(world: &World, call: &str, egress: &str) -> Value {
    let detail = answer(world.get(&format!("/v1/calls/{call}")).await, 200).await;
    let all = detail["recordings"].as_array().unwrap().clone();
    let found = all.into_iter().find(|it| it["egress_id"] == egress);
    found.unwrap_or_else(|| panic!("{egress} is not in {detail:#}"))
}

/// The status of each egress at LiveKit.
async fn statuses(world: &World) -> Map<String, Value> {
    let all = world.egresses().await;
    let pairs = all.iter().map(|it| {
        let id = it["egressId"].as_str().unwrap().to_owned();
        (id, it["status"].clone())
    });
    pairs.collect()
}
