//! Two calls never play the same object: keys are reserved before a start, and an object that two calls claim is linked by
//! neither.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    harness::{World, agent, caller, eventually},
    names::{is_suffixed, key},
    play::{answer, text},
    real::postgres::fresh_database,
};

/// DATABASE_URL for each engine; the first is the harness' own SQLite file.
async fn engines() -> [Vec<(&'static str, String)>; 2] {
    [Vec::new(), vec![("DATABASE_URL", fresh_database().await)]]
}

async fn world(engine: &[(&'static str, String)], more: &[(&str, &str)]) -> World {
    let engine = engine.iter().map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<(&str, &str)> = engine.chain(more.iter().copied()).collect();
    World::with(&settings).await
}

/// The key of a recording that starts now on request.
async fn requested(world: &World, wanted: Value) -> String {
    let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
    started["filename"].as_str().unwrap().to_owned()
}

async fn plays(world: &World, call: &str) -> Vec<u8> {
    let row = world.row_is(call, "Complete").await;
    let audio = world.http.get(text(&row, "Recording URL")).send().await;
    audio.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rooms_that_ask_for_one_room_id_have_two_recordings() {
    for engine in engines().await {
        let world = world(&engine, &[("RECORD_ON", "manual")]).await;
        let mut calls = Vec::new();
        for room in ["desk", "front"] {
            calls.push(world.livekit.open_room(room));
            world.livekit.join(room, agent());
            world.livekit.join(room, caller("+15551234567"));
        }
        // At once: neither is in the bucket yet.
        let wanted = |room| json!({ "room_name": room, "room_id": "job-7" });
        let both = (
            requested(&world, wanted("desk")),
            requested(&world, wanted("front")),
        );
        let (one, two) = tokio::join!(both.0, both.1);
        assert_ne!(one, two);
        let is_plain = |key: &String| key == "recordings/job-7.mp3";
        let is_other = |key: &String| is_suffixed(key, "recordings/job-7");
        assert!(is_plain(&one) && is_other(&two) || is_plain(&two) && is_other(&one));
        for room in ["desk", "front"] {
            world.livekit.speak(room);
            world.livekit.close_room(room);
        }
        for call in &calls {
            assert!(!plays(&world, call).await.is_empty());
            assert_eq!(text(&world.row(call).await.unwrap(), "Error"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_recording_is_not_put_onto_a_room_that_is_named_like_it() {
    for engine in engines().await {
        let path = ("RECORDING_PATH", "rec/{room_name}.mp3");
        let world = world(&engine, &[path, ("RECORD_ON", "manual")]).await;
        let (desk, egress) = {
            let call = world.livekit.open_room("desk");
            let wanted = json!({ "room_name": "desk" });
            let started = answer(world.post("/v1/recordings", &wanted).await, 200).await;
            (call, started["egress_id"].as_str().unwrap().to_owned())
        };
        let stop = format!("/v1/recordings/{egress}/stop");
        answer(world.post(&stop, &json!({})).await, 200).await;
        let second = requested(&world, json!({ "room_name": "desk" })).await;
        assert_eq!(second, "rec/desk-2.mp3");
        let other = world.livekit.open_room("desk-2");
        let key = requested(&world, json!({ "room_name": "desk-2" })).await;
        assert!(is_suffixed(&key, "rec/desk-2"), "{key}");
        for (room, call) in [("desk", &desk), ("desk-2", &other)] {
            world.livekit.join(room, caller("+15551234567"));
            world.livekit.speak(room);
            world.livekit.close_room(room);
            world.row_is(call, "Complete").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_say_whether_a_key_is_free_is_not_believed_to() {
    let path = ("RECORDING_PATH", "rec/{room_name}.mp3");
    let world = World::with(&[path]).await;
    // As AWS does without s3:ListBucket.
    world.storage.refuse(usize::MAX, 403);
    let call = world.livekit.open_room("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    let key = key(&world, &call).await;
    assert!(is_suffixed(&key, "rec/desk"), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_the_rooms_own_sid_needs_no_answer() {
    let world = World::new().await;
    world.storage.refuse(usize::MAX, 403);
    let call = world.livekit.open_room("desk");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    assert_eq!(key(&world, &call).await, format!("recordings/{call}.mp3"));
}

/// A call that a program records whose files have all the same name.
async fn latest(world: &World, room: &str) -> String {
    let call = world.livekit.open_room(room);
    world.livekit.join(room, agent());
    world.livekit.join(room, caller("+15551234567"));
    world.agent_starts(room, "calls/latest.mp3").await;
    world.livekit.speak(room);
    world.livekit.close_room(room);
    call
}

fn names(call: &str) -> impl Fn(&Map<String, Value>) -> bool {
    let claimed = format!("also claimed by call {call}");
    move |row| text(row, "Error").contains(&claimed)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_two_calls_claim_is_linked_by_neither() {
    for engine in engines().await {
        let public = ("PUBLIC_URL", "https://calls.example.com");
        let world = world(&engine, &[("RECORD_ON", "manual"), public]).await;
        let mut calls = Vec::new();
        for room in ["desk", "front"] {
            let call = latest(&world, room).await;
            if room == "desk" {
                let row = world.row_is(&call, "Complete").await;
                let link = text(&row, "Recording URL").to_owned();
                let link = link.strip_prefix(public.1).unwrap().to_owned();
                assert_eq!(world.get(&link).await.status(), 302);
                calls.push((call, link));
            } else {
                calls.push((call, String::new()));
            }
        }
        let [(first, link), (second, _)] = calls.as_slice() else {
            unreachable!()
        };
        for (call, other) in [(first, second), (second, first)] {
            let has_failed =
                |row: &Map<String, Value>| names(other)(row) && row["Status"] == "Failed";
            let row = world.row_where(call, has_failed).await;
            assert_eq!(text(&row, "Recording URL"), "");
            assert!(!row.contains_key("Recording size"), "{row:#?}");
            let shown = world.program(&["calls", "show", call]);
            let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
            assert!(
                shown.contains(&format!("also claimed by call {other}")),
                "{shown}"
            );
            let egress = text(&row, "Egress ID").to_owned();
            let refused = world.program(&["calls", "link", &egress]);
            assert!(!refused.status.success());
        }
        assert_eq!(world.get(link).await.status(), 410, "it played before");
        // However many more there are, what is stored of the first call does not grow.
        let third = latest(&world, "yard").await;
        world.row_where(&third, names(first)).await;
        let seen = world.row(first).await.unwrap();
        assert!(names(second)(&seen) && !names(&third)(&seen), "{seen:#?}");
        // It stays so when the calls are rebuilt from what was stored.
        assert!(world.program(&["replay"]).status.success());
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(names(second)(&world.row(first).await.unwrap()));
    }
}

/// Sends more words than a cell holds; the path of the link to all of them.
async fn long_transcript(world: &World, call: &str, words: &str) -> String {
    let turn = json!({ "speaker": "agent", "text": words.repeat(1000) });
    let report = json!({ "room_id": call, "turns": vec![turn; 30] });
    answer(world.post("/v1/transcripts", &report).await, 202).await;
    let row = world
        .row_where(call, |row| row.contains_key("Transcript URL"))
        .await;
    text(&row, "Transcript URL").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_not_put_onto_that_of_a_room_that_is_named_like_it() {
    for engine in engines().await {
        let path = ("RECORDING_PATH", "rec/{room_name}.mp3");
        let world = world(&engine, &[path, ("RECORD_ON", "manual")]).await;
        let quiet = world.livekit.open_room("desk");
        world.row_is(&quiet, "Live").await;
        // Where the text of the call without a recording would go.
        let name = format!("desk-{quiet}");
        let other = world.livekit.open_room(&name);
        let key = requested(&world, json!({ "room_name": name })).await;
        assert_eq!(key, format!("rec/{name}.mp3"));
        let links = [
            (long_transcript(&world, &other, "front ").await, "front "),
            (long_transcript(&world, &quiet, "quiet ").await, "quiet "),
        ];
        for (link, words) in links {
            let shown = world.http.get(link).send().await.unwrap();
            let shown = shown.text().await.unwrap();
            assert!(shown.contains(&words.repeat(900)), "{words}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_without_audio_claims_nothing() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let quiet = world.livekit.open_room("quiet");
    world.agent_starts("quiet", "calls/latest.mp3").await;
    world.livekit.close_room("quiet");
    world.row_is(&quiet, "No recording").await;
    let call = world.livekit.open_room("desk");
    world.livekit.join("desk", caller("+15551234567"));
    world.agent_starts("desk", "calls/latest.mp3").await;
    world.livekit.speak("desk");
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(text(&row, "Error"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_livekit_refuses_keeps_no_key() {
    use livekit_airtable_sim::livekit::StartFault;
    let path = ("RECORDING_PATH", "rec/{room_name}.mp3");
    let world = World::with(&[path]).await;
    world.livekit.fail_next_start(2, StartFault::Unavailable);
    let call = world.livekit.open_room("desk");
    world.starts("desk", 3).await;
    let recorded = eventually(|| {
        world
            .glance(&call)
            .filter(|row| row.contains_key("Egress ID"))
    });
    assert!(recorded.await.is_some());
    assert_eq!(key(&world, &call).await, "rec/desk.mp3");
}
