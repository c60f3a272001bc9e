//! Positions count from the beginning of the recording's file.

use serde_json::{Value, json};

use super::{both, read, row_has, taken, turns};
use crate::{harness::World, signed_webhooks::send};

/// When the egress was requested; its file begins 1.7 s later.
const REQUESTED: i64 = 1_763_884_800;
pub(super) const FILE: f64 = 1_763_884_801.7;

pub(super) async fn recorded(world: &World, room: &str) -> String {
    let call = format!("RM_{room}");
    let nanoseconds = |seconds: f64| format!("{}", (seconds * 1e3) as i64 * 1_000_000);
    let started = json!({ "id": "EV_1", "event": "room_started", "createdAt": REQUESTED.to_string(),
        "room": { "sid": call, "name": room, "creationTime": REQUESTED.to_string() } });
    let egress = json!({ "id": "EV_2", "event": "egress_updated", "createdAt": REQUESTED.to_string(), "egressInfo": {
        "egressId": format!("EG_{room}"), "roomId": call, "roomName": room, "status": "EGRESS_ACTIVE",
        "startedAt": nanoseconds(REQUESTED as f64), "updatedAt": nanoseconds(FILE),
        "roomComposite": { "roomName": room, "audioOnly": true },
        "fileResults": [{ "filename": format!("recordings/{call}.mp3"), "startedAt": nanoseconds(FILE) }] } });
    for event in [started, egress] {
        assert_eq!(send(world, event.to_string()).await, 200);
    }
    let has_egress = |row: &crate::reader::Row| row.contains_key("Egress ID");
    world.row_where(&call, has_egress).await;
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_begin_where_the_words_are_in_the_file() {
    for world in both().await {
        let call = recorded(&world, "captions").await;
        let report = json!([
            { "role": "assistant", "content": "Before.", "created_at": REQUESTED as f64 + 1.0 },
            { "role": "assistant", "content": "Hello.", "created_at": FILE + 2.5 },
            { "role": "user", "content": "Hi.", "timestamp": FILE + 65.25 },
        ]);
        taken(&world, "captions", &report, 3).await;
        let vtt = read(&world, &call, "vtt").await;
        for cue in [
            "00:00:00.000 --> 00:00:02.500\nAgent: Before.",
            "00:00:02.500 --> 00:01:05.250\nAgent: Hello.",
            "00:01:05.250 --> 00:01:10.250\nCaller: Hi.",
        ] {
            assert!(vtt.contains(cue), "{vtt}");
        }
        let starts: Vec<Value> = turns(&world, &call)
            .await
            .iter()
            .map(|turn| turn["start"].clone())
            .collect();
        assert_eq!(starts, [json!(null), json!(2.5), json!(65.25)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unit_and_form_of_a_time_is_recognised() {
    let world = World::new().await;
    let times = [
        json!(FILE + 2.5),
        json!((FILE * 1e3) as i64 + 2_500),
        json!((FILE * 1e3) as i64 * 1_000 + 2_500_000),
        json!((FILE * 1e3) as i64 * 1_000_000 + 2_500_000_000),
        json!("2025-11-23T08:00:04.2Z"),
        json!("2025-11-23T09:00:04.200+01:00"),
        json!("2025-11-23 08:00:04.2"),
        json!("1763884804.2"),
        json!(2.5),
        json!("2.5"),
        json!("00:02.5"),
    ];
    for (n, time) in times.into_iter().enumerate() {
        let room = format!("unit{n}");
        let call = recorded(&world, &room).await;
        let names = [
            "created_at",
            "createdAt",
            "timestamp",
            "time",
            "start",
            "start_time",
            "secondsFromStart",
        ];
        let report = json!([{ "role": "assistant", "content": "Hi.", names[n % names.len()]: time, "end": null }]);
        taken(&world, &room, &report, 1).await;
        row_has(&world, &call, "Agent: Hi.").await;
        assert_eq!(turns(&world, &call).await[0]["start"], json!(2.5), "{time}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_begin_when_they_were_spoken_and_end_when_they_ended() {
    let world = World::new().await;
    let call = recorded(&world, "metrics").await;
    // A caller's `created_at` is when the turn was committed.
    let report = json!([
        { "role": "user", "content": "Hi.", "created_at": FILE + 9.0,
          "metrics": { "started_speaking_at": FILE + 5.0, "stopped_speaking_at": FILE + 7.5 } },
        { "role": "assistant", "content": "Hello.", "created_at": FILE + 10.0, "metrics": {} },
        { "role": "user", "content": "Yes.", "start": 20, "end": 21.5 },
    ]);
    taken(&world, "metrics", &report, 3).await;
    let turns = turns(&world, &call).await;
    let times = turns
        .iter()
        .map(|turn| (turn["start"].clone(), turn["end"].clone()));
    let wanted = [
        (json!(5.0), json!(7.5)),
        (json!(10.0), json!(null)),
        (json!(20.0), json!(21.5)),
    ];
    assert_eq!(times.collect::<Vec<_>>(), wanted);
    assert!(
        read(&world, &call, "vtt")
            .await
            .contains("00:00:05.000 --> 00:00:07.500\nCaller: Hi.")
    );
}
