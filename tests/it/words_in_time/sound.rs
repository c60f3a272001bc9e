//! The service listens to the recording, and corrects the times of the report by what it hears.

use serde_json::{Value, json};

use super::{
    File, ROOM, both, ended_with, message, session,
    speech::{Numbers, Talk, Voice},
    transcript,
};
use crate::{
    harness::{PATIENCE, World},
    play::text,
};

pub(crate) fn talk(offset: f64) -> Talk {
    let (agent, caller) = (Voice::new("en-us", 160), Voice::new("en+m3", 175));
    Talk::new([&agent, &caller], 10, offset, &mut Numbers(42))
}

/// The session report of what was said in a file that begins 2 s after the room.
pub(crate) fn report(call: &str, talk: &Talk) -> Value {
    let sides = [("assistant", &talk.said.agent), ("user", &talk.said.caller)];
    let turns = sides
        .into_iter()
        .flat_map(|(role, said)| said.iter().map(move |it| (*it, role)));
    let mut turns: Vec<((i64, i64), &str)> = turns.collect();
    turns.sort_unstable();
    let at = |ms: i64| ROOM as f64 + 2.0 + ms as f64 / 1e3;
    let items = turns.iter().enumerate().map(|(n, ((from, to), role))| {
        let metrics = json!({ "started_speaking_at": at(*from), "stopped_speaking_at": at(*to) });
        message(role, &format!("Turn {n}."), at(*to), metrics)
    });
    session(call, &items.collect::<Vec<_>>())
}

pub(crate) async fn recorded(world: &World, call: &str, talk: &Talk, mp3: &[u8]) {
    let file = File {
        egress: "one",
        begin: 2.0,
        length: talk.length(),
    };
    ended_with(world, call, &[(file, mp3)]).await;
    let sent = world.post("/v1/transcripts", &report(call, talk)).await;
    assert_eq!(sent.status(), 202);
}

/// Waits until the recording was listened to.
async fn listened(world: &World, call: &str, is_sure: impl Fn(f64) -> bool) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let read = transcript(world, call, 10).await;
        if is_sure(read["confidence"].as_f64().unwrap()) {
            return read;
        }
        assert!(begun.elapsed() < PATIENCE, "{read}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Waits until the times of a report that is 3.2 s too late are corrected; the start of the first turn.
pub(super) async fn is_corrected(world: &World, call: &str, talk: &Talk) -> f64 {
    let read = listened(world, call, |confidence| confidence >= 0.5).await;
    let offset = read["offset"].as_f64().unwrap();
    assert!((offset + 3.2).abs() <= 0.15, "{offset}");
    let first = read["turns"][0]["start"].as_f64().unwrap();
    let by_the_clock = talk.said.agent[0].0 as f64 / 1e3;
    assert!(
        (first - by_the_clock - offset).abs() < 0.002,
        "{first}, {by_the_clock}, {offset}"
    );
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_corrected_by_what_is_heard() {
    for world in both(&[("TRANSCRIPT_TIMES", "on")]).await {
        let talk = talk(-3.2);
        recorded(&world, "RM_heard", &talk, &talk.mp3()).await;
        let first = is_corrected(&world, "RM_heard", &talk).await;
        let seconds = first as u32;
        let begins = |row: &_| {
            text(row, "Transcript").starts_with(&format!("[00:{seconds:02}] Agent: Turn 0."))
        };
        world.row_where("RM_heard", begins).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_junk_in_place_of_a_recording_the_clocks_count_and_the_next_call_is_heard() {
    let world = World::new().await;
    let talk = talk(1.5);
    let mp3 = talk.mp3();
    let mut torn = mp3.clone();
    // Headers stay, what they announce does not.
    torn.iter_mut()
        .enumerate()
        .for_each(|(n, byte)| *byte ^= (n % 7 == 3) as u8 * 0x5a);
    for (call, file) in [("RM_junk", vec![0xff; 300_000]), ("RM_torn", torn)] {
        recorded(&world, call, &talk, &file).await;
    }
    recorded(&world, "RM_next", &talk, &mp3).await;
    let read = listened(&world, "RM_next", |confidence| confidence >= 0.5).await;
    assert!(
        (read["offset"].as_f64().unwrap() - 1.5).abs() <= 0.15,
        "{read}"
    );
    for call in ["RM_junk", "RM_torn"] {
        let read = transcript(&world, call, 10).await;
        assert!(read["confidence"].as_f64().unwrap() < 0.5, "{read}");
        assert_eq!(read["offset"], Value::Null);
        assert_eq!(
            read["turns"][0]["start"],
            json!(talk.said.agent[0].0 as f64 / 1e3)
        );
    }
}
