//! Several agents' jobs with audio in one call, and files that are the same or not complete.

use serde_json::json;

use super::{Part, both, chat, header, multipart, ogg, ogg_end, post, spooled, unrecorded, upload};
use crate::{
    harness::{World, eventually},
    play::text,
    reader::Row,
};

const START: i64 = 1_795_889_000;

fn session(call: &str, job: &str, start: i64, audio: Vec<u8>) -> [Part; 3] {
    [
        header(call, job, start, &json!({})),
        chat(&["Good day to everybody."]),
        ("audio", audio),
    ]
}

async fn emptied(world: &World) {
    let empty = eventually(|| spooled(world).is_empty().then_some(()));
    assert!(empty.await.is_some(), "{:?}", spooled(world));
}

/// How often an agent's audio was put into the bucket.
fn uploads(world: &World) -> usize {
    let all = world.storage.uploads();
    all.iter().filter(|path| path.contains(".agent")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_plays_the_longest_of_several_agents_and_names_the_others() {
    for world in both(&[]).await {
        let call = unrecorded(&world).await;
        for (job, start, seconds) in [("AJ_1", 0, 20), ("AJ_2", 20, 60), ("AJ_3", 80, 30)] {
            let audio = ogg(seconds, 100_000 + usize::try_from(seconds).unwrap());
            let parts = session(&call, job, START + start, audio);
            assert_eq!(upload(&world, &parts).await, 200);
        }
        world.livekit.close_room("desk");
        let all_named = |row: &Row| {
            let error = text(row, "Error");
            ["recorded in 3 parts", "0:00:20", "0:00:30"]
                .iter()
                .all(|part| error.contains(part))
        };
        let row = world.row_where(&call, all_named).await;
        let error = text(&row, "Error");
        assert_eq!(row["Duration"], 60, "{row:#?}");
        assert!(error.contains("plays the longest (0:01:00)"), "{error}");
        let named = (1..=3).filter(|n| {
            let number = if *n == 1 {
                String::new()
            } else {
                format!("-{n}")
            };
            error.contains(&format!("recordings/{call}.agent{number}.ogg"))
        });
        assert_eq!(named.count(), 2, "{error}");
        assert!(!error.contains("no file"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_audio_of_several_jobs_is_stored_once_and_other_audio_of_its_size_beside_it() {
    for world in both(&[]).await {
        let call = unrecorded(&world).await;
        for n in 1..=5 {
            let parts = session(&call, &format!("AJ_{n}"), START, ogg(60, 200_000));
            assert_eq!(upload(&world, &parts).await, 200);
        }
        let mut other = ogg(60, 200_000);
        other[1000] = 8;
        let parts = session(&call, "AJ_6", START + 90, other.clone());
        assert_eq!(upload(&world, &parts).await, 200);
        world.livekit.close_room("desk");
        emptied(&world).await;
        assert_eq!(uploads(&world), 2, "{:?}", world.storage.uploads());
        let folder = world.storage.folder().join("recordings/recordings");
        let stored = |name: &str| std::fs::read(folder.join(format!("{call}.{name}"))).unwrap();
        assert_eq!(stored("agent.ogg"), ogg(60, 200_000));
        assert_eq!(stored("agent-2.ogg"), other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_is_cut_off_is_as_long_as_its_last_complete_page_says() {
    let world = World::new().await;
    let call = unrecorded(&world).await;
    let mut audio = [ogg(2, 50_000), ogg_end(3)].concat();
    audio.truncate(audio.len() - 20);
    let parts = session(&call, "AJ_1", START, audio);
    assert_eq!(upload(&world, &parts).await, 200);
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(row["Duration"], 2, "{row:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_cannot_be_used_are_missed_in_the_row_until_others_come() {
    let bodies: [(Vec<u8>, u16, &str); 2] = [
        (b"{no json".to_vec(), 400, "cannot be used: "),
        (vec![b' '; 17 << 20], 413, "may have at most 16 MiB"),
    ];
    for world in both(&[("RECORD_ON", "manual")]).await {
        for (n, (words, status, why)) in bodies.iter().enumerate() {
            let call = world.livekit.open_room(&format!("desk-{n}"));
            world.row_is(&call, "Live").await;
            let [header, good, _] = session(&call, "AJ_1", START, Vec::new());
            let parts = [header.clone(), ("chat_history", words.clone())];
            assert_eq!(post(&world, multipart(&parts)).await.status(), *status);
            let says = |row: &Row| text(row, "Error").contains(why);
            let row = world.row_where(&call, says).await;
            assert!(!text(&row, "Error").contains("no json"), "{row:#?}");
            assert_eq!(upload(&world, &[header, good]).await, 200);
            let is_clean = |row: &Row| row.contains_key("Transcript") && !row.contains_key("Error");
            world.row_where(&call, is_clean).await;
        }
    }
}
