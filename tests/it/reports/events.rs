//! Words that only the events of a session report have.

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

#[tokio::test(flavor = "multi_thread")]
async fn the_last_sentence_of_a_caller_who_hung_up_is_there() {
    let world = World::new().await;
    let call = world.livekit.open_room("hung-up");
    world.row_is(&call, "Live").await;
    let events = json!([
        heard(3, "I'd like", false),
        heard(4, "I'd like Tuesday.", true),
        heard(5, "in the morning", true),
        { "type": "conversation_item_added", "item": said("b", 6, "user", "I'd like Tuesday. In the morning."), "created_at": START + 6 },
        heard(12, "Yes.", true),
        heard(14, "Yes.", true),
        heard(20, "And cancel", false),
        heard(21, "And cancel the other one.", true),
        heard(23, "Wait, also", false),
        { "type": "conversation_item_added", "item": said("d", 30, "assistant", "Are you there?"), "created_at": START + 30 },
        { "type": "close", "reason": "participant_disconnected", "created_at": START + 40 },
    ]);
    let report = json!({ "job_id": "AJ_1", "events": events, "chat_history": { "items": [
        said("a", 1, "assistant", "Hello."),
        said("b", 6, "user", "I'd like Tuesday. In the morning."),
        said("c", 8, "assistant", "Tuesday then?"),
        said("e", 13, "user", "Yes."),
    ]}});
    taken(&world, "hung-up", &report, 8).await;
    let words = "Agent: Hello.\nCaller: I'd like Tuesday. In the morning.\nAgent: Tuesday then?\nCaller: Yes.\n\
                 Caller: Yes.\nCaller: And cancel the other one.\nCaller: Wait, also\nAgent: Are you there?";
    row_has(&world, &call, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_has_all_words_gets_none_twice() {
    let world = World::new().await;
    let call = world.livekit.open_room("complete");
    world.row_is(&call, "Live").await;
    let text =
        std::fs::read_to_string("tests/fixtures/agents/agents_py_session_report.json").unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["room_id"] = json!(call);
    taken(&world, "complete", &report, 3).await;
    let words = "Agent: Hi, this is Ava from Acme Dental. How can I help?\n\
                 Caller: I'd like to book a cleaning for Tuesday.\nAgent: You're booked for Tuesday at ten. [interrupted]";
    row_has(&world, &call, words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_without_ids_gets_no_item_twice() {
    let world = World::new().await;
    let call = world.livekit.open_room("no-ids");
    world.row_is(&call, "Live").await;
    let added = |id, second, role, text| json!({ "type": "conversation_item_added", "item": said(id, second, role, text), "created_at": START + second });
    let report = json!({
        "events": [added("a", 1, "assistant", "Hello <break/> there."), heard(2, "Hi.", true), added("b", 3, "user", "Hi.")],
        "turns": [{ "role": "assistant", "content": "Hello there." }, { "role": "user", "content": "Hi." }],
    });
    taken(&world, "no-ids", &report, 2).await;
    row_has(&world, &call, "Agent: Hello there.\nCaller: Hi.").await;
}
