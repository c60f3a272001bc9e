//! Transcripts that are too long for a cell.

use serde_json::json;

use super::{Row, UNRECORDED};
use crate::{harness::World, play::text};

/// A family of four: seven code points, eleven UTF-16 units, one picture.
const FAMILY: &str = "👨‍👩‍👧‍👦";

#[tokio::test(flavor = "multi_thread")]
async fn one_huge_turn_of_anything_is_cut_between_letters_and_whole_in_the_bucket() {
    let world = World::with(&[UNRECORDED]).await;
    for (n, message) in ["x", "語", "😀", FAMILY, "e\u{301}", "क्षि", "word "]
        .into_iter()
        .enumerate()
    {
        let call = world.open(&format!("huge-{n}")).await;
        let words = message.repeat(240_000 / message.encode_utf16().count());
        world.say(&call, &words).await;
        world
            .row_where(&call, |row| row.contains_key("Transcript URL"))
            .await;
        let row = world.only_row(&call).await;
        let cell = text(&row, "Transcript");
        let units = cell.encode_utf16().count();
        assert!((97_900..=99_000).contains(&units), "{message}: {units}");
        let (kept, note) = cell.rsplit_once('\n').unwrap();
        assert_eq!(
            note,
            "[… cut here: the full text is linked in Transcript URL]"
        );
        let kept = kept.strip_prefix("Agent: ").unwrap();
        assert_eq!(
            kept.replace(message.trim(), "").trim(),
            "",
            "{message} is torn apart"
        );
        let whole = world
            .http
            .get(text(&row, "Transcript URL"))
            .send()
            .await
            .unwrap();
        let whole = whole.text().await.unwrap();
        assert_eq!(whole, format!("Agent: {}", words.trim()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_never_cut_when_the_text_can_end_before_it() {
    let world = World::with(&[UNRECORDED]).await;
    let call = world.open("lines").await;
    let turn = |n: usize| json!({"speaker": "caller", "text": format!("line one {n}\nline two {}", "😀".repeat(100))});
    let turns: Vec<_> = (0..1000).map(turn).collect();
    let report = json!({"room_id": call, "turns": turns});
    assert_eq!(world.post("/v1/transcripts", &report).await.status(), 202);
    let row = world
        .row_where(&call, |row| row.contains_key("Transcript URL"))
        .await;
    let (kept, _) = text(&row, "Transcript").rsplit_once('\n').unwrap();
    let last = kept.rsplit("Caller: ").next().unwrap();
    assert!(last.ends_with(&"😀".repeat(100)), "{last}");
    assert!(kept.encode_utf16().count() > 98_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_refuses_the_row_says_so_and_it_is_tried_again() {
    let world = World::with(&[UNRECORDED]).await;
    let call = world.open("long").await;
    world.storage.refuse(1000, 403);
    let words = "word ".repeat(40_000);
    world.say(&call, &words).await;
    world
        .row_where(&call, |row| row.contains_key("Transcript"))
        .await;
    let row = world.only_row(&call).await;
    assert!(
        text(&row, "Transcript")
            .ends_with("[… cut here: the full text is not in the bucket yet, see Error]")
    );
    let error = text(&row, "Error");
    assert!(
        error.starts_with(
            "The full transcript could not be put into the bucket: the storage refused access (403)"
        ),
        "{error}"
    );
    assert!(!row.contains_key("Transcript URL"));
    assert!(
        world.owed_is(&call, "done").await["due_at"].is_string(),
        "it is tried again"
    );
    world.storage.refuse(0, 200);
    world.look_again(&call).await;
    let complete = |row: &Row| row.contains_key("Transcript URL");
    let row = world.row_where(&call, complete).await;
    assert_eq!(text(&row, "Error"), "");
    assert!(text(&row, "Transcript").ends_with("linked in Transcript URL]"));
    let whole = world
        .http
        .get(text(&row, "Transcript URL"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        whole.text().await.unwrap(),
        format!("Agent: {}", words.trim())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_of_a_room_name_without_recordings_keep_their_own_texts() {
    let path = ("RECORDING_PATH", "texts/{room_name}.mp3");
    let world = World::with(&[UNRECORDED, path]).await;
    let mut rows = Vec::new();
    for word in ["first ", "second "] {
        let call = world.open("desk").await;
        world.say(&call, &word.repeat(20_000)).await;
        let long = |row: &Row| row.contains_key("Transcript URL");
        rows.push((word, world.row_where(&call, long).await));
        world.livekit.close_room("desk");
        world.row_is(&call, "No recording").await;
    }
    for (word, row) in rows {
        let url = text(&row, "Transcript URL");
        assert!(
            url.contains("/texts/desk-RM_"),
            "the call's id is in its key"
        );
        let whole = world.http.get(url).send().await.unwrap();
        let whole = whole.text().await.unwrap();
        assert!(whole.starts_with(&format!("Agent: {word}")), "{whole:.40}");
    }
}
