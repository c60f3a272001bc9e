//! Words and figures of uploads, however their bodies arrive.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{
    KEY, PYTHON, PYTHON_ROOM, SECRET, both, chat, chunked, header, multipart, post, request, token,
    upload,
};
use crate::{harness::World, reader::Row};

/// What the fixture says, without its prompt.
const WORDS: &str = "Caller: I'd like to book a cleaning for Tuesday.\n\
                     Agent: Done: Tuesday at ten.\n\
                     Caller: It hurts a little.\n\
                     Agent: Then I would rather [interrupted]\n\
                     Caller: No, thank you. Bye!\n\
                     Agent: Goodbye, and get well soon.";

async fn row_has(world: &World, call: &str, transcript: &str) -> Row {
    let has = |row: &Row| row.get("Transcript").is_some_and(|text| text == transcript);
    world.row_where(call, has).await
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_python_sdk_becomes_the_row_in_any_form_of_its_body() {
    for world in both(&[("RECORD_ON", "manual")]).await {
        world.livekit.adopt_room("call-1", PYTHON_ROOM);
        world.row_is(PYTHON_ROOM, "Live").await;
        assert_eq!(post(&world, PYTHON).await.status(), 200);
        let row = row_has(&world, PYTHON_ROOM, WORDS).await;
        assert_eq!(row["Turns"], 6, "{row:#?}");
        assert!(chunked(&world, PYTHON).await.starts_with("HTTP/1.1 200"));
        let zipped = request(&world, &token(KEY, SECRET, true), gzip(PYTHON));
        let zipped = zipped.header("content-encoding", "gzip").send().await;
        assert_eq!(zipped.unwrap().status(), 200);
        // What is cut off may come completely the next time.
        let cut = gzip(PYTHON);
        let cut = cut[..cut.len() - 6].to_vec();
        let cut = request(&world, &token(KEY, SECRET, true), cut);
        assert_eq!(cut.send().await.unwrap().status(), 408);
        let call = world.get(&format!("/v1/calls/{PYTHON_ROOM}")).await;
        let call: Value = call.json().await.unwrap();
        assert_eq!(call["room_name"], "call-1");
        row_has(&world, PYTHON_ROOM, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_come_in_any_order_and_some_do_not_come() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let orders: [&[usize]; 3] = [&[1, 0], &[2, 1, 0], &[0, 2, 1]];
    for (n, order) in orders.into_iter().enumerate() {
        let call = world.livekit.open_room(&format!("desk-{n}"));
        let words = format!("These are the words of desk {n}.");
        let all = [
            header(&call, "AJ_1", 0, &json!({})),
            chat(&[&words]),
            ("unknown", b"whatever".to_vec()),
        ];
        let parts: Vec<_> = order.iter().map(|at| all[*at].clone()).collect();
        assert_eq!(upload(&world, &parts).await, 200);
        row_has(&world, &call, &format!("Caller: {words}")).await;
    }
    // A session that records its audio alone has no words, and takes none away.
    let call = world.livekit.open_room("desk-x");
    let header = header(&call, "AJ_1", 0, &json!({}));
    assert_eq!(
        upload(&world, &[header.clone(), chat(&["Hello there."])]).await,
        200
    );
    row_has(&world, &call, "Caller: Hello there.").await;
    assert_eq!(upload(&world, &[header]).await, 200);
    assert_eq!(upload(&world, &[chat(&["Nobody's words."])]).await, 400);
    row_has(&world, &call, "Caller: Hello there.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_before_its_room_or_of_several_jobs_is_like_any_report() {
    for world in both(&[("RECORD_ON", "manual")]).await {
        let early = header(
            "RM_early",
            "AJ_1",
            0,
            &json!({ "timestamp": 1_795_889_002.0 }),
        );
        assert_eq!(
            upload(&world, &[early.clone(), chat(&["First job's words."])]).await,
            200
        );
        world.livekit.adopt_room("front", "RM_early");
        row_has(&world, "RM_early", "Caller: First job's words.").await;
        let second = header(
            "RM_early",
            "AJ_2",
            0,
            &json!({ "timestamp": 1_795_889_009.0 }),
        );
        assert_eq!(
            upload(&world, &[second, chat(&["Second job's words."])]).await,
            200
        );
        let joined = world.row_where("RM_early", |row| {
            let text = row["Transcript"].as_str().unwrap_or_default();
            text.contains("First job's words.") && text.contains("Second job's words.")
        });
        joined.await;
        // The same once more, and a third job after it, whose words show that it was processed.
        assert_eq!(
            upload(&world, &[early, chat(&["First job's words."])]).await,
            200
        );
        let third = header(
            "RM_early",
            "AJ_3",
            0,
            &json!({ "timestamp": 1_795_889_019.0 }),
        );
        assert_eq!(
            upload(&world, &[third, chat(&["Third job's words."])]).await,
            200
        );
        let row = world.row_where("RM_early", |row| {
            let text = row["Transcript"].as_str().unwrap_or_default();
            text.contains("Third job's words.")
        });
        let row = row.await;
        let text = row["Transcript"].as_str().unwrap();
        assert_eq!(text.matches("First job's words.").count(), 1, "{text}");
    }
}

/// The body of a report in the form of `POST /v1/transcripts`.
fn report(call: &str, turns: &[&str], at: f64) -> Value {
    let turns = turns
        .iter()
        .map(|text| json!({ "role": "user", "content": text }));
    json!({ "room_id": call, "job_id": "AJ_1", "timestamp": at, "turns": turns.collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_job_that_came_both_ways_the_one_with_more_turns_counts() {
    for world in both(&[("RECORD_ON", "manual")]).await {
        let more = ["One of the words.", "Two of the words."];
        let call = world.livekit.open_room("desk");
        world.row_is(&call, "Live").await;
        let upload_of = |words: &[&str]| {
            let header = header(&call, "AJ_1", 0, &json!({ "timestamp": 1_795_889_002.0 }));
            multipart(&[header, chat(words)])
        };
        // A newer report with fewer turns is not better, whichever way it came.
        assert_eq!(post(&world, upload_of(&more)).await.status(), 200);
        let newer = report(&call, &["Only one of them."], 1_795_889_100.0);
        assert_eq!(world.post("/v1/transcripts", &newer).await.status(), 202);
        let all = "Caller: One of the words.\nCaller: Two of the words.";
        row_has(&world, &call, all).await;
        // Of equally many turns the newer one counts.
        let same = report(
            &call,
            &["Newer words, one.", "Newer words, two."],
            1_795_889_200.0,
        );
        assert_eq!(world.post("/v1/transcripts", &same).await.status(), 202);
        row_has(
            &world,
            &call,
            "Caller: Newer words, one.\nCaller: Newer words, two.",
        )
        .await;
        // Of one way the newest counts, however many turns it has.
        let fewer = report(&call, &["The last report."], 1_795_889_300.0);
        assert_eq!(world.post("/v1/transcripts", &fewer).await.status(), 202);
        row_has(&world, &call, all).await;
    }
}
