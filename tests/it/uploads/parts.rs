//! Uploads of which a part cannot be used: the others are stored, and the answer says what was refused.

use std::time::{Duration, Instant};

use livekit_airtable::store::{CallMessage, MessageKind, MessageOutcome};
use serde_json::{Value, json};

use super::{
    Part, both, chat, header, multipart, ogg, ogg_head, post, retry_after, spooled, unrecorded,
};
use crate::{
    harness::{PATIENCE, World, eventually},
    play::text,
    reader::Row,
};

const START: i64 = 1_795_889_000;
const WORDS: &str = "These words are stored anyway.";

fn parts(call: &str, words: Part, audio: Vec<u8>) -> [Part; 3] {
    let header = header(call, "AJ_1", START, &json!({}));
    [header, words, ("audio", audio)]
}

/// Uploads what the SDK is not to send again; the detail of the answer.
async fn refused(world: &World, parts: &[Part], status: u16) -> String {
    let answer = post(world, multipart(parts)).await;
    assert_eq!(answer.status(), status);
    let body = answer.bytes().await.unwrap();
    assert_eq!(retry_after(&body), None);
    let problem: Value = serde_json::from_slice(&body).unwrap();
    problem["detail"].as_str().unwrap().to_owned()
}

async fn said(world: &World, call: &str) -> Row {
    let expected = format!("Caller: {WORDS}");
    let has_words = |row: &Row| {
        row.get("Transcript")
            .is_some_and(|it| it == expected.as_str())
    };
    world.row_where(call, has_words).await
}

/// Waits until the row is Failed and says why the agent's audio is not its recording.
async fn failed(world: &World, call: &str, why: &str) {
    let is_failed = |row: &Row| {
        row.get("Status").is_some_and(|status| status == "Failed")
            && text(row, "Error").contains(why)
    };
    let row = world.row_where(call, is_failed).await;
    assert!(!row.contains_key("Recording URL"), "{row:#?}");
    assert_eq!(spooled(world), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_never_becomes_a_recording_and_the_words_are_stored() {
    let mut vorbis = ogg(60, 50_000);
    vorbis[28..36].copy_from_slice(b"\x01vorbis\0");
    let bodies = [
        b"x".to_vec(),
        vec![b'x'; 200_000],
        b"<html><body>502 Bad Gateway</body></html>".to_vec(),
        ogg_head(),
        vorbis,
    ];
    for body in bodies {
        let world = World::new().await;
        let call = unrecorded(&world).await;
        let parts = parts(&call, chat(&[WORDS]), body);
        let detail = refused(&world, &parts, 400).await;
        assert!(detail.contains("the audio was refused"), "{detail}");
        said(&world, &call).await;
        world.livekit.close_room("desk");
        failed(
            &world,
            &call,
            "The agent's own audio was refused: it is not Ogg Opus",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_cannot_be_read_are_kept_and_cost_no_audio() {
    let bodies: [(Vec<u8>, u16); 3] = [
        (b"{no json".to_vec(), 400),
        (b"{\"a\":1}".to_vec(), 400),
        (vec![b' '; 17 << 20], 413),
    ];
    for world in both(&[]).await {
        let call = unrecorded(&world).await;
        for (words, status) in &bodies {
            let parts = parts(&call, ("chat_history", words.clone()), ogg(60, 300_000));
            // A sender that repeats it anyway keeps it once.
            for _ in 0..2 {
                let detail = refused(&world, &parts, *status).await;
                assert!(detail.contains("kept as an unreadable message"), "{detail}");
            }
        }
        world.livekit.close_room("desk");
        let row = world.row_is(&call, "Complete").await;
        assert!(
            text(&row, "Error").contains("the agent's own audio"),
            "{row:#?}"
        );
        let unreadable = set_aside(&world, &call, 3).await;
        for message in &unreadable {
            assert_eq!(message.kind, MessageKind::Report);
            let error = message.error.as_deref().unwrap_or_default();
            assert!(error.contains("the transcript of an upload"), "{error}");
        }
        assert!(
            unreadable[2].bytes >= 16 << 20,
            "all that may be sent is kept"
        );
    }
}

/// The messages of the call that were set aside, once there are so many, the shortest first.
async fn set_aside(world: &World, call: &str, count: usize) -> Vec<CallMessage> {
    let (store, asked) = (world.service_store(), Instant::now());
    loop {
        let mut messages = store.timeline_messages(call, "", 1000).await.unwrap();
        messages.retain(|it| it.outcome == Some(MessageOutcome::SetAside));
        messages.sort_by_key(|message| message.bytes);
        if messages.len() == count {
            return messages;
        }
        assert!(asked.elapsed() < PATIENCE, "{messages:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_is_too_large_costs_no_words_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1]] {
        let world = World::with(&[("AGENT_AUDIO_SIZE", "1MiB")]).await;
        let call = unrecorded(&world).await;
        let all = parts(&call, chat(&[WORDS]), ogg(60, 40 << 20));
        let ordered = order.map(|at: usize| all[at].clone());
        let detail = refused(&world, &ordered, 413).await;
        assert!(detail.contains("AGENT_AUDIO_SIZE"), "{order:?}: {detail}");
        assert!(detail.contains("was stored"), "{order:?}: {detail}");
        said(&world, &call).await;
        world.livekit.close_room("desk");
        failed(&world, &call, "it is larger than AGENT_AUDIO_SIZE").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_uploads_are_logged_with_their_room_and_without_their_words() {
    let mut world = World::with(&[("AGENT_AUDIO_SIZE", "1MiB")]).await;
    let mut serve = world.serve_apart().await;
    let all = parts("RM_large", chat(&[WORDS]), ogg(60, 2 << 20));
    for _ in 0..3 {
        refused(&world, &all, 413).await;
    }
    let all = parts("RM_damaged", ("chat_history", b"{no".to_vec()), Vec::new());
    refused(&world, &all, 400).await;
    let logged = || serve.said().contains("RM_damaged").then_some(());
    assert!(eventually(logged).await.is_some(), "{}", serve.said());
    let said = serve.said();
    let lines = |room: &str| said.lines().filter(|line| line.contains(room)).count();
    assert_eq!(lines("RM_large"), 1, "{said}");
    assert_eq!(lines("RM_damaged"), 1, "{said}");
    assert!(said.contains("larger than AGENT_AUDIO_SIZE"), "{said}");
    assert!(!said.contains("nothing stored"), "the words are: {said}");
    assert_eq!(serve.stop().await, Some(0));
}
