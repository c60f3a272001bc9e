//! More shapes of other programs: serialized objects of LangChain, lines of JSON, Amazon Connect, names before the words.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::{both, post, report, row_has, taken, turns};
use crate::{
    harness::{World, agent, caller},
    reader::Row,
};

const WORDS: &str = "Agent: Hello.\nCaller: Hi.";

fn message(class: &str, content: Value) -> Value {
    json!({ "lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", class],
            "kwargs": { "content": content, "additional_kwargs": {}, "response_metadata": { "model_name": "gpt 4o" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn more_shapes_of_others_are_read() {
    let world = World::new().await;
    let id = |n: u8| format!("5f2c3b0e-0000-4000-8000-00000000000{n}");
    let shapes = [
        json!([
            message("SystemMessage", json!("You are Ava.")),
            message("AIMessage", json!("Hello.")),
            message("AIMessage", json!("")),
            message("HumanMessage", json!([{ "type": "text", "text": "Hi." }]))
        ]),
        json!({ "messages": [message("AIMessageChunk", json!("Hello.")), message("HumanMessage", json!("Hi.")), message("ToolMessage", json!("4711"))] }),
        json!({ "Version": "1.1.0", "Channel": "VOICE", "Transcript": [
            { "Id": "a", "ParticipantId": "AGENT", "ParticipantRole": "AGENT", "Content": "Hello.", "BeginOffsetMillis": 0, "EndOffsetMillis": 900 },
            { "Id": "b", "ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER", "Content": "Hi.", "Sentiment": "NEUTRAL" }] }),
        json!({ "Participants": [{ "ParticipantId": id(1), "ParticipantRole": "CUSTOMER" }, { "ParticipantId": id(2), "ParticipantRole": "AGENT" }],
                "Transcript": [{ "ParticipantId": id(2), "Content": "Hello." }, { "ParticipantId": id(1), "Content": "Hi." }] }),
        json!({ "Segments": [{ "Transcript": { "ParticipantRole": "AGENT", "Content": "Hello." } }, { "Categories": { "MatchedCategories": [] } },
                             { "Transcript": { "ParticipantRole": "CUSTOMER", "Content": "Hi." } }] }),
        json!([["agent", "Hello."], ["customer", "Hi."]]),
        json!({ "transcript": [["agent", "Hello.", 1.5], ["caller", "Hi.", "00:03"]] }),
        json!({ "turns": [{ "channel": "agent", "text": "Hello." }, { "channel": "customer", "text": "Hi." }] }),
    ];
    for (n, shape) in shapes.into_iter().enumerate() {
        let room = format!("foreign-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        taken(&world, &room, &shape, 2).await;
        row_has(&world, &call, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_are_a_list() {
    for world in both().await {
        let agent = r#"{"role":"assistant","content":"Hello."}"#;
        let caller = r#"{"role":"user","content":"Hi."}"#;
        let cases = [
            ("application/x-ndjson", format!("{agent}\n{caller}\n")),
            (
                "application/jsonl",
                format!("\u{FEFF}{agent}\r\n\r\n{caller}"),
            ),
            (
                "application/json",
                format!("{agent}\n{caller}\n{{\"role\":\"user\",\"conte"),
            ),
            ("text/plain", format!("{agent}\n{caller}")),
            (
                "application/json",
                "[\"agent\",\"Hello.\"]\n[\"user\",\"Hi.\"]\n".to_owned(),
            ),
        ];
        for (n, (kind, body)) in cases.into_iter().enumerate() {
            let room = format!("lines-{n}");
            let call = world.livekit.open_room(&room);
            world.row_is(&call, "Live").await;
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let query = format!("?room={room}");
            let (status, answer) = post(&world, &query, headers, body.into_bytes()).await;
            assert_eq!(
                (status, &answer["turns"]),
                (202, &json!(2)),
                "{kind}: {answer}"
            );
            row_has(&world, &call, WORDS).await;
        }
        // A single line is an object.
        let one = world.livekit.open_room("one-line");
        world.row_is(&one, "Live").await;
        let body = json!({ "room": "one-line", "role": "user", "content": "Hi." });
        let (status, answer) = report(&world, "", &body).await;
        assert_eq!((status, &answer["turns"]), (202, &json!(1)), "{answer}");
        row_has(&world, &one, "Caller: Hi.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participants_name_before_the_words_decides() {
    for world in both().await {
        let call = world.livekit.open_room("names");
        // Before anybody is known.
        let lines = json!([
            "Ava: Hello <break/> there.",
            "sip_+15550100: Hi.",
            "agent-ava: How are you?",
            "**Ava:** Anything else? [interrupted]",
            "Note: it is at 12:30",
            "https://example.com",
            "12:30 is fine",
        ]);
        taken(&world, "names", &lines, 7).await;
        world.livekit.join("names", agent());
        world.livekit.join("names", caller("+15550100"));
        let words = "Agent: Hello there.\nCaller: Hi.\nAgent: How are you?\nAgent: Anything else? [interrupted]\n\
                     Caller: Note: it is at 12:30\nCaller: https://example.com\nCaller: 12:30 is fine";
        row_has(&world, &call, words).await;
        let pairs = json!([
            ["Ava", "Hello."],
            ["sip_+15550100", "Hi."],
            ["a ghost", "Boo."]
        ]);
        let (status, answer) = report(&world, "?room=names", &pairs).await;
        let counts = (status, &answer["turns"], &answer["ignored"]);
        assert_eq!(counts, (202, &json!(2), &json!(1)), "{answer}");
        row_has(&world, &call, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_as_json_has_its_turns_at_the_top() {
    for world in both().await {
        let call = world.livekit.open_room("top");
        world.row_is(&call, "Live").await;
        let body = json!([{ "role": "assistant", "content": "Hello.", "interrupted": true }, { "role": "user", "content": "Hi." }]);
        taken(&world, "top", &body, 2).await;
        world
            .row_where(&call, |row: &Row| row.contains_key("Transcript"))
            .await;
        let all = turns(&world, &call).await;
        let first = json!({ "speaker": "agent", "text": "Hello.", "interrupted": true, "start": null, "end": null });
        assert_eq!(all[0], first);
        assert_eq!(all[1]["interrupted"], json!(false));
        let read: Value = serde_json::from_str(&super::read(&world, &call, "json").await).unwrap();
        let fields: Vec<&String> = read.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["call_id", "confidence", "offset", "turns"]);
        assert_eq!(
            (&read["call_id"], &read["offset"], &read["confidence"]),
            (&json!(call), &Value::Null, &json!(0.0))
        );
        taken(&world, "top", &json!("As text."), 1).await;
        row_has(&world, &call, "As text.").await;
        let read: Value = serde_json::from_str(&super::read(&world, &call, "json").await).unwrap();
        assert_eq!(
            (&read["turns"], &read["text"]),
            (&json!([]), &json!("As text."))
        );
    }
}
