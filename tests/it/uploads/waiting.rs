//! Uploads between their acknowledgment and the bucket, and those who wait behind them.

use livekit_airtable::{
    pipeline::Clock,
    store::{InboxMessage, LARGE, MessageKind},
    telemetry,
};
use serde_json::{Value, json};

use super::{Part, both, chat, header, ogg, spooled, unrecorded, upload};
use crate::{
    harness::{World, eventually},
    mirror::Receiver,
    play::text,
    reader::Row,
};

/// A session that began just now: what ended before the service first ran is history.
fn session(call: &str, job: &str, bytes: usize) -> [Part; 3] {
    [
        header(call, job, telemetry::now().as_second(), &json!({})),
        chat(&["Good evening to everybody."]),
        ("audio", ogg(60, bytes)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_processing_while_the_agents_audio_is_on_its_way() {
    for world in both(&[]).await {
        let call = unrecorded(&world).await;
        assert_eq!(upload(&world, &session(&call, "AJ_1", 300_000)).await, 200);
        world.storage.refuse_uploads(1_000_000, 503);
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Processing").await;
        let row = match text(&row, "Error").contains("on its way") {
            true => row,
            false => {
                let says = |row: &Row| text(row, "Error").contains("on its way to the bucket");
                world.row_where(&call, says).await
            }
        };
        assert_eq!(row["Status"], "Processing", "{row:#?}");
        world.storage.refuse_uploads(0, 503);
        let row = world.row_is(&call, "Complete").await;
        assert!(!text(&row, "Error").contains("on its way"), "{row:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_does_not_reach_the_bucket_in_time_is_missing_until_it_does() {
    let times = [("EGRESS_LOST_AFTER", "2s"), ("RECONCILE_INTERVAL", "1s")];
    let world = World::with(&times).await;
    let call = unrecorded(&world).await;
    world.storage.refuse_uploads(1_000_000, 503);
    assert_eq!(upload(&world, &session(&call, "AJ_1", 300_000)).await, 200);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    let error = text(&row, "Error");
    assert!(error.contains("has not reached the bucket"), "{error}");
    world.storage.refuse_uploads(0, 503);
    world.row_is(&call, "Complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_job_that_uploads_several_times_the_newest_audio_is_kept_once() {
    for world in both(&[]).await {
        let call = unrecorded(&world).await;
        for bytes in [300_000, 200_000, 250_000, 250_000] {
            assert_eq!(upload(&world, &session(&call, "AJ_1", bytes)).await, 200);
        }
        let one = eventually(|| (spooled(&world).len() == 1).then_some(()));
        assert!(one.await.is_some(), "{:?}", spooled(&world));
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(row["Recording size"], 250_000, "{row:#?}");
        // Once more, other than before: the first in the bucket stays.
        assert_eq!(upload(&world, &session(&call, "AJ_1", 400_000)).await, 200);
        let empty = eventually(|| spooled(&world).is_empty().then_some(()));
        assert!(empty.await.is_some(), "{:?}", spooled(&world));
        let row = world.row_is(&call, "Complete").await;
        assert_eq!(row["Recording size"], 250_000, "{row:#?}");
        let second = format!("recordings/recordings/{call}.agent-2.ogg");
        assert!(!world.storage.folder().join(second).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_hears_of_the_agents_audio_that_is_the_calls_recording() {
    let (receiver, url) = Receiver::start(&[]).await;
    let world = World::with(&[("EGRESS_WEBHOOK_URL", &url)]).await;
    let call = unrecorded(&world).await;
    assert_eq!(upload(&world, &session(&call, "AJ_1", 300_000)).await, 200);
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    let both = receiver.hears(2).await;
    let bodies = both
        .iter()
        .map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap());
    let bodies: Vec<Value> = bodies.collect();
    assert_eq!(bodies[0]["status"], "failed");
    let agents = &bodies[1];
    let id = agents["egress_id"].as_str().unwrap();
    assert!(id.starts_with("OBJ_"), "{agents}");
    assert_eq!(agents["status"], "complete");
    let file = &agents["file_results"][0];
    assert_eq!(file["size"], 300_000, "{agents}");
    assert_eq!(file["duration"], 60.0, "{agents}");
    let audio = file["download_url"].as_str().unwrap();
    let audio = world.http.get(audio).send().await.unwrap();
    assert_eq!(audio.bytes().await.unwrap().len(), 300_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_does_not_hear_of_audio_that_is_kept_beside_the_recording() {
    let (receiver, url) = Receiver::start(&[]).await;
    let settings = [("EGRESS_WEBHOOK_URL", &*url), ("AGENT_AUDIO", "always")];
    let world = World::with(&settings).await;
    let (call, egress) = world.talk("desk").await;
    assert_eq!(upload(&world, &session(&call, "AJ_1", 300_000)).await, 200);
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    let empty = eventually(|| spooled(&world).is_empty().then_some(()));
    assert!(empty.await.is_some());
    // A later call's is sent after whatever is sent of this one.
    let (_, later) = world.talk("later").await;
    world.livekit.close_room("later");
    let heard = eventually(|| receiver.egresses().contains(&later).then_some(()));
    assert!(heard.await.is_some());
    let expected = std::collections::BTreeSet::from([egress, later]);
    assert_eq!(receiver.egresses(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_behind_large_transcripts() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let store = world.service_store();
    // Requests that parse large transcripts take turns with the intake of those.
    let turn = store.large_bodies().turn(&[LARGE + 1]).await;
    let clock: Clock = telemetry::now;
    let words = "word ".repeat(LARGE / 4);
    for n in 0..4 {
        let turns = json!([{ "role": "user", "content": words }]);
        let body = json!({ "room": { "sid": format!("RM_large{n}"), "name": "" }, "body": { "turns": turns } });
        let message = InboxMessage::new(MessageKind::Report, body.to_string(), clock());
        store.put(message).await.unwrap();
    }
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    drop(turn);
    // They come, too.
    let large = world.livekit.open_room("large");
    let body = json!({ "room_id": large, "turns": [{ "role": "user", "content": words }] });
    assert_eq!(world.post("/v1/transcripts", &body).await.status(), 202);
    world
        .row_where(&large, |row| row.contains_key("Transcript"))
        .await;
}
