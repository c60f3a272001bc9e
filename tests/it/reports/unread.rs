//! Words in fields that are not known, and items with the words of both sides.

use serde_json::{Value, json};

use super::{both, report, row_has, taken};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn words_in_unknown_fields_are_refused_and_replace_nothing() {
    for world in both().await {
        let call = world.livekit.open_room("unread-fields");
        world.row_is(&call, "Live").await;
        let kept = json!([{ "role": "user", "content": "Kept." }]);
        taken(&world, "unread-fields", &kept, 1).await;
        for body in [
            json!([{ "speaker": "agent", "utt": "Hello there." }]),
            json!({ "turns": [{ "role": "user", "said": { "de": "Guten Tag." } }, { "role": "system", "content": "x" }] }),
            json!({ "messages": [{ "role": "assistant", "content": [{ "type": "text", "txt": "Hello." }] }] }),
            json!([{ "who": "agent", "what": "Hello there." }]),
            json!([{ "role": "user", "sagte": "はい" }]),
        ] {
            let (status, problem) = report(&world, "?room=unread-fields", &body).await;
            assert_eq!(status, 400, "{body}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("`content` or `text`"), "{detail}");
            assert!(!detail.contains("Hello"), "{detail}");
        }
        row_has(&world, &call, "Caller: Kept.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_without_words_are_no_error() {
    let world = World::new().await;
    let call = world.livekit.open_room("nothing-said");
    world.row_is(&call, "Live").await;
    for body in [
        json!([{ "id": "item_1", "type": "message", "role": "assistant", "content": [], "model": "gpt-4o" }]),
        json!([{ "role": "assistant", "content": null, "tool_calls": [{ "function": { "name": "book a slot" } }] }]),
        json!([{ "type": "a_new_kind", "id": "item_2", "mode": "fast", "created_at": 1763884801 }]),
        json!([{ "role": "user", "parts": [{ "functionResponse": { "name": "book", "response": { "a": "for Tuesday" } } }] }]),
    ] {
        let (status, answer) = report(&world, "?room=nothing-said", &body).await;
        let counts = (status, &answer["turns"], &answer["ignored"]);
        assert_eq!(counts, (202, &json!(0), &Value::Null), "{body}: {answer}");
    }
    // Beside others, what was not understood is counted.
    let some =
        json!([{ "role": "user", "content": "Hi." }, { "role": "assistant", "utt": "Hello." }]);
    let (status, answer) = report(&world, "?room=nothing-said", &some).await;
    let counts = (status, &answer["turns"], &answer["ignored"]);
    assert_eq!(counts, (202, &json!(1), &json!(1)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_with_both_sides_is_two_turns() {
    let world = World::new().await;
    for (n, body) in [
        r#"[{"user":"Hello.","assistant":"Hi."},{"user":"Bye.","assistant":"Goodbye."}]"#,
        r#"{"turns":[{"id":1,"caller":"Hello.","agent":"Hi.","time":1},{"caller":"Bye.","agent":"Goodbye.","time":5}]}"#,
        r#"{"history":[{"input":"Hello.","output":"Hi."},{"input":"Bye.","output":{"content":"Goodbye."}}]}"#,
    ]
    .iter()
    .enumerate()
    {
        let room = format!("sides-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        let query = format!("?room={room}");
        let (status, answer) = super::post(&world, &query, Default::default(), body.as_bytes().to_vec()).await;
        assert_eq!((status, &answer["turns"]), (202, &json!(4)), "{answer}");
        row_has(&world, &call, "Caller: Hello.\nAgent: Hi.\nCaller: Bye.\nAgent: Goodbye.").await;
    }
}
