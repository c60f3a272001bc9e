//! The agent's own audio as the second recorder: it is the row's recording if no egress left one.

use livekit_airtable_sim::livekit::StartFault;
use serde_json::json;

use super::{Part, both, chat, header, ogg, spooled, upload};
use crate::{
    harness::{World, agent, caller, eventually},
    play::text,
    reader::Row,
};

const START: i64 = 1_795_889_000;
const FROM_THE_AGENT: &str = "the agent's own audio";

/// A session with audio of a minute.
fn session(call: &str, job: &str) -> [Part; 3] {
    [
        header(call, job, START, &json!({})),
        chat(&["Good morning to everybody."]),
        ("audio", ogg(60, 300_000)),
    ]
}

/// The object that the row's link plays.
async fn played(world: &World, row: &Row) -> Vec<u8> {
    let audio = world.http.get(text(row, "Recording URL")).send().await;
    let audio = audio.unwrap();
    assert_eq!(audio.status(), 200);
    assert_eq!(audio.headers()["content-type"], "audio/ogg");
    audio.bytes().await.unwrap().to_vec()
}

/// Waits until nothing is in the spool.
async fn emptied(world: &World) {
    let empty = eventually(|| spooled(world).is_empty().then_some(()));
    assert!(empty.await.is_some(), "{:?}", spooled(world));
}

/// Waits for the row with the agent's audio, and checks it.
async fn has_agents_audio(world: &World, call: &str) -> Row {
    let row = world.row_where(call, |row| {
        row.get("Status").is_some_and(|it| it == "Complete")
            && text(row, "Error").contains(FROM_THE_AGENT)
    });
    let row = row.await;
    assert_eq!(played(world, &row).await, ogg(60, 300_000));
    assert_eq!(row["Recording size"], 300_000);
    assert_eq!(row["Duration"], 60, "{row:#?}");
    emptied(world).await;
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agents_audio_is_the_recording_of_a_call_whose_egress_failed() {
    for world in both(&[]).await {
        let (call, egress) = world.talk("desk").await;
        world.livekit.fail_egress(&egress, "out of disk", 500);
        assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
        assert_eq!(
            spooled(&world).len(),
            1,
            "nobody knows yet whether it is needed"
        );
        world.livekit.close_room("desk");
        let row = has_agents_audio(&world, &call).await;
        assert!(text(&row, "Error").contains("out of disk"), "{row:#?}");
        let key = format!("recordings/{call}.agent.ogg");
        assert!(world.storage.folder().join("recordings").join(key).exists());
        // The same session once more: its audio is there already.
        assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
        emptied(&world).await;
        let shown: serde_json::Value = world
            .get(&format!("/v1/calls/{call}"))
            .await
            .json()
            .await
            .unwrap();
        let files: Vec<_> = shown["recordings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["filename"].clone())
            .collect();
        let audio = files
            .iter()
            .filter(|file| file.as_str().is_some_and(|it| it.contains(".agent")));
        assert_eq!(audio.count(), 1, "{files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_recording_was_refused_has_the_agents_audio() {
    let world = World::new().await;
    world.livekit.fail_next_start(100, StartFault::BadRequest);
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", agent());
    world.livekit.join("desk", caller("+15551234567"));
    world
        .row_where(&call, |row| !text(row, "Error").is_empty())
        .await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    let row = has_agents_audio(&world, &call).await;
    assert!(
        text(&row, "Error").lines().count() > 1,
        "it says why: {row:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_nobody_needs_is_deleted() {
    let world = World::new().await;
    // The egress has left a recording.
    let (recorded, _) = world.talk("recorded").await;
    assert_eq!(upload(&world, &session(&recorded, "AJ_1")).await, 200);
    world.livekit.close_room("recorded");
    let row = world.row_is(&recorded, "Complete").await;
    emptied(&world).await;
    assert_eq!(text(&row, "Error"), "");
    // Nobody spoke.
    let silent = world.livekit.open_room("silent");
    world.livekit.join("silent", agent());
    world.starts("silent", 1).await;
    world
        .row_where(&silent, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("silent");
    world.row_is(&silent, "No recording").await;
    let [header, _, audio] = session(&silent, "AJ_1");
    assert_eq!(upload(&world, &[header, audio]).await, 200);
    emptied(&world).await;
    for call in [recorded, silent] {
        let key = format!("recordings/{call}.agent.ogg");
        assert!(!world.storage.folder().join("recordings").join(key).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_wanted_to_be_recorded_keeps_no_audio() {
    for (setting, value) in [("RECORD_ON", "manual"), ("RECORD_ROOMS", "*,!desk")] {
        for mode in ["fallback", "always"] {
            let world = World::with(&[(setting, value), ("AGENT_AUDIO", mode)]).await;
            let call = world.livekit.open_room("desk");
            world.livekit.join("desk", caller("+15551234567"));
            world.row_is(&call, "Live").await;
            assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
            world.livekit.close_room("desk");
            world.row_is(&call, "No recording").await;
            emptied(&world).await;
            let row = world.row_is(&call, "No recording").await;
            assert!(!row.contains_key("Recording URL"), "{mode}: {row:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn always_keeps_the_audio_beside_the_recording_and_off_keeps_none() {
    let world = World::with(&[("AGENT_AUDIO", "always")]).await;
    let (call, _) = world.talk("desk").await;
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    let mut second = session(&call, "AJ_2");
    second[0] = header(&call, "AJ_2", START + 60, &json!({}));
    assert_eq!(upload(&world, &second).await, 200);
    world.livekit.close_room("desk");
    emptied(&world).await;
    let row = world.row_is(&call, "Complete").await;
    assert!(!text(&row, "Error").contains(FROM_THE_AGENT), "{row:#?}");
    assert!(text(&row, "Recording URL").contains(".mp3"), "{row:#?}");
    for name in ["agent.ogg", "agent-2.ogg"] {
        let path = format!("recordings/recordings/{call}.{name}");
        let stored = std::fs::read(world.storage.folder().join(path)).unwrap();
        assert_eq!(stored.len(), 300_000, "{name}");
    }
    let off = World::with(&[("AGENT_AUDIO", "off")]).await;
    let call = off.livekit.open_room("desk");
    assert_eq!(upload(&off, &session(&call, "AJ_1")).await, 200);
    assert_eq!(spooled(&off), [""; 0]);
    off.row_where(&call, |row| row.contains_key("Transcript"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_waits_for_a_bucket_that_is_away() {
    let world = World::new().await;
    let (call, egress) = world.talk("desk").await;
    world.livekit.fail_egress(&egress, "out of disk", 500);
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    world.storage.refuse_uploads(4, 503);
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    has_agents_audio(&world, &call).await;
}
