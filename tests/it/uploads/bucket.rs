//! Agents' audio and a bucket that does not take it: the reason is seen, nothing is lost, and the job is well again afterwards.

use livekit_airtable_sim::storage::{Key, Permission};
use serde_json::{Value, json};

use super::{Part, both, chat, header, ogg, spooled, unrecorded, upload};
use crate::{
    harness::{World, eventually},
    play::text,
    process::run,
    reader::Row,
};

const START: i64 = 1_795_889_000;
/// More refusals than a test waits for.
const ALL: usize = 1_000_000;

fn session(call: &str, job: &str) -> [Part; 3] {
    [
        header(call, job, START, &json!({})),
        chat(&["Good afternoon to everybody."]),
        ("audio", ogg(60, 300_000)),
    ]
}

async fn row_says(world: &World, call: &str, parts: &'static [&'static str]) -> Row {
    let says = |row: &Row| {
        let error = text(row, "Error");
        parts.iter().all(|part| error.contains(part))
    };
    world.row_where(call, says).await
}

/// The state of the job in `/readyz`.
async fn job(world: &World) -> Value {
    let ready = world.get("/readyz").await;
    assert_eq!(ready.status(), 200, "requests are served all the same");
    let ready: Value = ready.json().await.unwrap();
    ready["jobs"]["agent_audio"].clone()
}

/// Waits until the job works.
async fn job_works(world: &World) {
    let asked = std::time::Instant::now();
    while job(world).await != "running" {
        assert!(asked.elapsed() < crate::harness::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_a_bucket_that_refuses_audio_is_seen_everywhere_until_it_takes_it() {
    for (status, reason) in [(403, "refused access (403)"), (404, "404 Refused")] {
        for world in both(&[]).await {
            let call = unrecorded(&world).await;
            world.storage.refuse_uploads(ALL, status);
            assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
            world.livekit.close_room("desk");
            let says = |row: &Row| text(row, "Error").contains(reason);
            let row = world.row_where(&call, says).await;
            let error = text(&row, "Error");
            assert!(error.contains("on its way to the bucket"), "{error}");
            assert_eq!(row["Status"], "Processing", "{row:#?}");
            let shown = world.get(&format!("/v1/calls/{call}")).await;
            let shown: Value = shown.json().await.unwrap();
            assert!(text(shown.as_object().unwrap(), "error").contains(reason));
            let command = run(
                world.folder.path(),
                &["calls", "show", &call],
                world.settings(),
            )
            .await;
            assert!(command.stdout.contains(reason), "{command:?}");
            let state = job(&world).await;
            let failing = state["failing"].as_str().unwrap_or_default();
            assert!(failing.contains(reason), "{state}");
            let store = world.service_store();
            let timeline = store.timeline_messages(&call, "", 1000).await.unwrap();
            let is_noted = timeline.iter().any(|message| {
                let body = message.body.as_deref().unwrap_or_default();
                body.contains("audio_not_stored") && body.contains(reason)
            });
            assert!(is_noted, "{timeline:#?}");
            assert_eq!(spooled(&world).len(), 1, "it is not dropped");
            world.storage.refuse_uploads(0, status);
            let row = world.row_is(&call, "Complete").await;
            assert!(!text(&row, "Error").contains(reason), "{row:#?}");
            job_works(&world).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_the_bucket_refuses_until_it_is_given_up_is_missing_with_the_reason() {
    let times = [("EGRESS_LOST_AFTER", "2s"), ("RECONCILE_INTERVAL", "1s")];
    let world = World::with(&times).await;
    let call = unrecorded(&world).await;
    world.storage.refuse_uploads(ALL, 403);
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    world.livekit.close_room("desk");
    world.row_is(&call, "Failed").await;
    row_says(
        &world,
        &call,
        &["has not reached the bucket", "refused access (403)"],
    )
    .await;
    assert_eq!(spooled(&world).len(), 1, "it may still succeed");
    world.storage.refuse_uploads(0, 403);
    world.row_is(&call, "Complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_is_kept_beside_a_recording_is_missed_with_the_reason() {
    let world = World::with(&[("AGENT_AUDIO", "always")]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    world.row_is(&call, "Complete").await;
    world.storage.refuse_uploads(ALL, 403);
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    row_says(&world, &call, &["own audio", "refused access (403)"]).await;
    world.storage.refuse_uploads(0, 403);
    let is_clean = |row: &Row| text(row, "Error").is_empty();
    let row = world.row_where(&call, is_clean).await;
    assert_eq!(row["Status"], "Complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_only_write_is_enough_to_keep_the_audio() {
    let world = World::new().await;
    let call = unrecorded(&world).await;
    world.storage.set_keys(vec![Key {
        access_key: "test".into(),
        secret_key: "testsecret".into(),
        session_token: None,
        permission: Permission::Write,
    }]);
    assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
    world.livekit.close_room("desk");
    let empty = eventually(|| spooled(&world).is_empty().then_some(()));
    assert!(empty.await.is_some(), "{:?}", spooled(&world));
    let path = format!("recordings/recordings/{call}.agent.ogg");
    let stored = std::fs::read(world.storage.folder().join(path)).unwrap();
    assert_eq!(stored, ogg(60, 300_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_is_the_recording_of_a_call_whose_end_livekit_cannot_report() {
    let times = [("EGRESS_LOST_AFTER", "2s"), ("RECONCILE_INTERVAL", "1s")];
    for world in both(&times).await {
        let (call, _) = world.talk("desk").await;
        world
            .row_where(&call, |row| row.contains_key("Egress ID"))
            .await;
        // From here on, LiveKit cannot be reached.
        world.livekit.stop();
        assert_eq!(upload(&world, &session(&call, "AJ_1")).await, 200);
        let at = livekit_airtable::telemetry::now().as_second();
        let room = json!({ "sid": call, "name": "desk" });
        let finished =
            json!({ "event": "room_finished", "id": "EV_end", "createdAt": at, "room": room });
        world.hook(&finished).await;
        let row = world.row_is(&call, "Complete").await;
        let error = text(&row, "Error");
        assert!(error.contains("the agent's own audio"), "{error}");
        assert!(error.contains("left no recording"), "{error}");
    }
}
