//! TRANSCRIPT_TIMES: when each line of the row's transcript was spoken.

use serde_json::{Value, json};

use super::{File, both, ended};
use crate::{harness::World, play::text, process::output};

const ON: (&str, &str) = ("TRANSCRIPT_TIMES", "on");
const FILE: File = File {
    egress: "one",
    begin: 0.0,
    length: 9000.0,
};

async fn report(world: &World, call: &str, turns: Value) {
    let body = json!({ "room_id": call, "turns": turns });
    assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_begin_with_their_position() {
    for world in both(&[ON]).await {
        ended(&world, "RM_lines", &[FILE]).await;
        let turns = json!([
            { "speaker": "agent", "text": "Before.", "start": -2 },
            { "speaker": "agent", "text": "Hello.", "start": 0 },
            { "speaker": "caller", "text": "Hi.", "start": 65.9, "end": 67 },
            { "speaker": "caller", "text": "Untimed.", "interrupted": true },
            { "speaker": "agent", "text": "Bye.", "start": 3723.2 },
            { "speaker": "agent", "text": "After.", "start": 9001 },
        ]);
        report(&world, "RM_lines", turns).await;
        let expected = "Agent: Before.\n[00:00] Agent: Hello.\n[01:05] Caller: Hi.\nCaller: Untimed. [interrupted]\n\
            [1:02:03] Agent: Bye.\nAgent: After.";
        let has = |row: &_| text(row, "Transcript") == expected;
        world.row_where("RM_lines", has).await;
        let plain = world.get("/v1/calls/RM_lines/transcript.txt").await;
        assert!(plain.text().await.unwrap().contains("\nAgent: Hello."));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_count_in_the_limit_of_a_cell_and_are_in_the_full_text() {
    let world = World::with(&[ON]).await;
    ended(&world, "RM_long", &[FILE]).await;
    // Without the times it would fit.
    let turn = |n: usize| json!({ "speaker": "agent", "text": "x".repeat(82), "start": n });
    let turns: Vec<Value> = (0..1_090).map(turn).collect();
    report(&world, "RM_long", json!(turns)).await;
    let row = world
        .row_where("RM_long", |row| row.contains_key("Transcript URL"))
        .await;
    let cell = text(&row, "Transcript");
    let units = cell.encode_utf16().count();
    assert!((98_000..=99_000).contains(&units), "{units}");
    assert!(cell.starts_with("[00:00] Agent: x") && cell.contains("\n[16:40] Agent: x"));
    let full = world
        .http
        .get(text(&row, "Transcript URL"))
        .send()
        .await
        .unwrap();
    let full = full.text().await.unwrap();
    assert_eq!(full.lines().count(), 1_090);
    assert!(full.lines().last().unwrap().starts_with("[18:09] Agent: x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_value_is_refused_and_off_is_the_default() {
    let world = World::new().await;
    let mut serve = world.command(&["serve"]);
    let refused = output(serve.env("TRANSCRIPT_TIMES", "yes"));
    assert_eq!(refused.status.code(), Some(64));
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        errors.contains("TRANSCRIPT_TIMES") && errors.contains("on or off"),
        "{errors}"
    );
    ended(&world, "RM_off", &[FILE]).await;
    report(
        &world,
        "RM_off",
        json!([{ "speaker": "agent", "text": "Hello.", "start": 1 }]),
    )
    .await;
    let has = |row: &_| text(row, "Transcript") == "Agent: Hello.";
    world.row_where("RM_off", has).await;
}
