//! The shapes and labels of other frameworks.

use serde_json::{Value, json};

use super::{both, report, row_has, taken};
use crate::harness::{World, agent, caller};

const WORDS: &str = "Agent: Hello.\nCaller: Hi.";

/// Conversations of two turns, as they are made elsewhere.
fn shapes() -> Vec<Value> {
    let mut shapes = vec![
        // Gemini
        json!({ "contents": [{ "role": "model", "parts": [{ "text": "Hmm", "thought": true }, { "text": "Hello." }] },
                             { "role": "user", "parts": [{ "text": "Hi." }] }] }),
        // LangChain: messages_to_dict, dumpd, and plain
        json!([{ "type": "system", "data": { "content": "You are Ava." } },
               { "type": "ai", "data": { "content": "Hello.", "type": "ai" } }, { "type": "human", "data": { "content": "Hi." } }]),
        json!({ "messages": [{ "type": "AIMessageChunk", "content": "Hello." }, { "type": "human", "content": "Hi." }] }),
        // Vapi
        json!({ "message": { "type": "end-of-call-report", "artifact": { "messages": [
            { "role": "system", "message": "You are Ava." },
            { "role": "bot", "message": "Hello.", "time": 1763884801000i64, "secondsFromStart": 1.2 },
            { "role": "user", "message": "Hi.", "time": 1763884803000i64, "secondsFromStart": 3.2 }] } } }),
        // OpenAI
        json!({ "messages": [{ "role": "assistant", "content": null, "text": "Hello." },
                             { "role": "user", "content": null, "transcript": "Hi." }] }),
        json!([{ "type": "message", "role": "assistant", "content": [{ "type": "output_audio", "text": null, "transcript": "Hello." }] },
               { "type": "message", "role": "user", "content": [{ "type": "input_audio", "transcript": "Hi." }] }]),
        // Retell, ElevenLabs, Hume, ShareGPT, ChatGPT's export
        json!({ "call": { "transcript_object": [{ "role": "agent", "content": "Hello.", "words": [{ "word": "Hello.", "start": 0.7 }] },
                                               { "role": "user", "content": "Hi." }] } }),
        json!({ "type": "post_call_transcription", "data": { "transcript": [
            { "role": "agent", "message": "Hello.", "time_in_call_secs": 0 }, { "role": "user", "message": "Hi.", "time_in_call_secs": 2 }] } }),
        json!([{ "type": "assistant_message", "message": { "role": "assistant", "content": "Hello." } },
               { "type": "user_message", "message": { "role": "user", "content": "Hi." } }]),
        json!({ "conversations": [{ "from": "gpt", "value": "Hello." }, { "from": "human", "value": "Hi." }] }),
        json!([{ "message": { "author": { "role": "assistant" }, "content": { "parts": ["Hello."] } } },
               { "message": { "author": { "role": "user" }, "content": { "parts": ["Hi."] } } }]),
        // Bland, Ultravox, Rasa, LangChain's pairs, and others
        json!({ "transcripts": [{ "user": "assistant", "text": "Hello." }, { "user": "user", "text": "Hi." }] }),
        json!({ "results": [{ "role": "MESSAGE_ROLE_AGENT", "text": "Hello." }, { "role": "MESSAGE_ROLE_USER", "text": "Hi." }] }),
        json!({ "conversation": { "messages": [{ "event": "bot", "text": "Hello." }, { "event": "user", "text": "Hi." }] } }),
        json!([["ai", "Hello."], ["human", "Hi."]]),
        json!([{ "agent": "Hello." }, { "user": "Hi." }]),
        json!([{ "is_agent": true, "text": "Hello." }, { "is_agent": false, "text": "Hi." }]),
        json!({ "events": [
            { "type": "conversation_item_added", "item": { "id": "a", "type": "message", "role": "assistant", "content": ["Hello."], "created_at": 1763884801 } },
            { "type": "user_input_transcribed", "transcript": "Hi.", "is_final": true, "created_at": 1763884802 }] }),
        // Nothing in the outer lists
        json!({ "events": [], "report": { "chat_history": { "items": [
            { "role": "assistant", "content": ["Hello."] }, { "role": "user", "content": ["Hi."] }] } } }),
        json!({ "events": [{ "type": "x" }], "items": [], "session": { "history": [
            { "role": "assistant", "content": ["Hello."] }, { "role": "user", "content": ["Hi."] }] } }),
        // Strings
        json!(["Agent: Hello.", "Caller: Hi."]),
        json!({ "transcript": ["System: You are Ava.", "[00:01] AI: Hello.", "**User:** Hi."] }),
        json!({ "transcript": "[{\"role\":\"bot\",\"content\":\"Hello.\"},{\"role\":\"customer\",\"content\":\"Hi.\"}]" }),
    ];
    for (agent, caller) in [
        ("bot", "human"),
        ("AI", "Customer"),
        ("model", "client"),
        ("AI Agent", "end_user"),
    ] {
        shapes.push(
            json!([{ "speaker": agent, "text": "Hello." }, { "speaker": caller, "text": "Hi." }]),
        );
    }
    shapes
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shapes_and_labels_of_others_are_read() {
    let world = World::new().await;
    for (n, shape) in shapes().into_iter().enumerate() {
        let room = format!("shape-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        taken(&world, &room, &shape, 2).await;
        row_has(&world, &call, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_of_the_call_is_a_speaker() {
    for world in both().await {
        let call = world.livekit.open_room("people");
        world.livekit.join("people", agent());
        world.livekit.join("people", caller("+15550100"));
        let named =
            |row: &crate::reader::Row| row.contains_key("Caller") && row.contains_key("Agent");
        world.row_where(&call, named).await;
        let turns = json!([
            { "participant_identity": "agent-ava", "text": "Hello <break/> there." },
            { "speaker": "sip_+15550100", "text": "Hi." },
            { "speaker": "Ava", "text": "How are you?" },
            { "speaker": "a ghost", "text": "Boo." },
        ]);
        let (status, answer) = report(&world, "?room=people", &turns).await;
        assert_eq!(
            (status, &answer["turns"], &answer["ignored"]),
            (202, &json!(3), &json!(1)),
            "{answer}"
        );
        row_has(
            &world,
            &call,
            "Agent: Hello there.\nCaller: Hi.\nAgent: How are you?",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_which_no_word_was_understood_is_refused_and_replaces_nothing() {
    let world = World::new().await;
    let call = world.livekit.open_room("unread");
    world.livekit.join("unread", caller("+15550100"));
    world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    taken(
        &world,
        "unread",
        &json!([{ "role": "user", "content": "Kept." }]),
        1,
    )
    .await;
    row_has(&world, &call, "Caller: Kept.").await;
    for body in [
        json!([{ "speaker": "somebody", "text": "Hello there." }]),
        json!({ "turns": [{ "text": "Hello there." }, { "role": "system", "content": "You are Ava." }] }),
        json!([17]),
    ] {
        let (status, problem) = report(&world, "?room=unread", &body).await;
        assert_eq!(status, 400, "{body}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`role` or `speaker`"), "{detail}");
        assert!(
            !detail.contains("Hello") && !detail.contains("somebody"),
            "{detail}"
        );
    }
    assert_eq!(super::read(&world, &call, "txt").await, "Caller: Kept.");
}
