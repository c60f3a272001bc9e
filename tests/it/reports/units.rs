//! Times in fields whose names have a unit, or other names.

use serde_json::{Value, json};

use super::{
    row_has, taken,
    times::{FILE, recorded},
    turns,
};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn times_in_fields_with_a_unit_are_read() {
    let world = World::new().await;
    let cases: [(&str, Value); 17] = [
        ("start_ms", json!(2_500)),
        ("offset_ms", json!("2500")),
        ("startMs", json!(2_500)),
        ("BeginOffsetMillis", json!(2_500)),
        ("begin", json!(2.5)),
        ("start_time_ms", json!(2_500)),
        ("timestamp_ms", json!((FILE * 1e3) as i64 + 2_500)),
        (
            "timestampMs",
            json!(((FILE * 1e3) as i64 + 2_500).to_string()),
        ),
        ("start_us", json!(2_500_000)),
        ("startOffsetNanos", json!(2_500_000_000_i64)),
        ("begin_ms", json!(2_500)),
        ("start_seconds", json!(2.5)),
        ("startTime", json!("2.500s")),
        (
            "startOffset",
            json!({ "seconds": "2", "nanos": 500_000_000 }),
        ),
        ("ts", json!(FILE + 2.5)),
        ("datetime", json!("2025-11-23T08:00:04.2Z")),
        ("audio_start_ms", json!(2_500)),
    ];
    for (n, (name, time)) in cases.into_iter().enumerate() {
        let room = format!("name{n}");
        let call = recorded(&world, &room).await;
        let report = json!([{ "role": "user", "content": "Hi.", name: time }]);
        taken(&world, &room, &report, 1).await;
        row_has(&world, &call, "Caller: Hi.").await;
        assert_eq!(turns(&world, &call).await[0]["start"], json!(2.5), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_read_likewise() {
    let world = World::new().await;
    let call = recorded(&world, "ends").await;
    let report = json!([
        { "role": "user", "content": "Hi.", "start_ms": 1_000, "end_ms": 2_250 },
        { "ParticipantRole": "AGENT", "Content": "Hello.", "BeginOffsetMillis": 3_000, "EndOffsetMillis": 4_500 },
    ]);
    taken(&world, "ends", &report, 2).await;
    row_has(&world, &call, "Caller: Hi.\nAgent: Hello.").await;
    let times = turns(&world, &call).await;
    let times: Vec<_> = times
        .iter()
        .map(|turn| (turn["start"].clone(), turn["end"].clone()))
        .collect();
    assert_eq!(times, [(json!(1.0), json!(2.25)), (json!(3.0), json!(4.5))]);
}
