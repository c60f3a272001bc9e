//! Words of the events that the conversation lacks: interim sentences, scripts without blanks, plain text beside events.

use serde_json::{Value, json};

use super::{row_has, taken};
use crate::harness::World;

const START: i64 = 1_763_884_800;

fn heard(second: i64, text: &str, is_final: bool) -> Value {
    json!({ "type": "user_input_transcribed", "transcript": text, "is_final": is_final, "created_at": START + second })
}

fn said(id: &str, second: i64, role: &str, text: &str) -> Value {
    json!({ "id": id, "type": "message", "role": role, "content": [text], "created_at": START + second })
}

fn added(item: Value) -> Value {
    json!({ "type": "conversation_item_added", "item": item })
}

async fn becomes(room: &str, report: &Value, turns: usize, words: &str) {
    let world = World::new().await;
    let call = world.livekit.open_room(room);
    world.row_is(&call, "Live").await;
    taken(&world, room, report, turns).await;
    row_has(&world, &call, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_sentence_with_words_of_the_final_one_is_kept() {
    let report = json!({
        "events": [
            heard(4, "I would like to cancel Tuesday.", true),
            heard(9, "I would like to book", false),
            heard(10, "I would like to book Friday", false),
        ],
        "chat_history": { "items": [said("item_000001", 5, "user", "I would like to cancel Tuesday.")] },
    });
    let words = "Caller: I would like to cancel Tuesday.\nCaller: I would like to book Friday";
    becomes("interim", &report, 2, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_sentence_that_the_agent_took_is_there_once() {
    let report = json!({
        "events": [heard(4, "Yes.", true), heard(9, "I would like Tues", false)],
        "chat_history": { "items": [said("item_000001", 5, "user", "Yes."), said("item_000002", 9, "user", "I would like Tuesday.")] },
    });
    becomes(
        "committed",
        &report,
        2,
        "Caller: Yes.\nCaller: I would like Tuesday.",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentences_without_blanks_are_there_once() {
    let report = json!({
        "events": [
            heard(3, "我想预约星期二。", true),
            heard(5, "上午可以吗", true),
            heard(9, "はい、お願いします", true),
            heard(12, "再见", true),
        ],
        "chat_history": { "items": [
            said("item_000001", 5, "user", "我想预约星期二。上午可以吗？"),
            said("item_000002", 9, "user", "はい、お願いします。"),
        ]},
    });
    let words = "Caller: 我想预约星期二。上午可以吗？\nCaller: はい、お願いします。\nCaller: 再见";
    becomes("blanks", &report, 3, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_gets_what_only_the_events_have() {
    let events = json!([
        added(said("item_000001", 1, "assistant", "Hello <break/> there.")),
        heard(3, "Hi.", true),
        added(said("item_000002", 3, "user", "Hi.")),
        heard(8, "And cancel the other one.", true),
        added(said("item_000003", 9, "assistant", "Done.")),
        heard(12, "Wait, also", false),
    ]);
    let report = json!({ "transcript": "Agent: Hello there.\nCaller: Hi.", "events": events });
    let words = "Agent: Hello there.\nCaller: Hi.\nCaller: And cancel the other one.\nAgent: Done.\nCaller: Wait, also";
    becomes("text", &report, 1, words).await;
    let empty = json!({ "transcript": "", "events": events });
    let words = "Agent: Hello there.\nCaller: Hi.\nCaller: And cancel the other one.\nAgent: Done.\nCaller: Wait, also";
    becomes("no-text", &empty, 1, words).await;
}
