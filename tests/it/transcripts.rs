//! Agents' reports in every form, at any time.

use livekit_api::access_token::VideoGrants;
use serde_json::{Value, json};

use crate::{
    harness::{World, agent, token},
    signed_webhooks::read_message,
};

const FIXTURES: &str = "tests/fixtures/agents";
/// Each fixture, and the lines that people read of it.
const REPORTS: [(&str, &str); 4] = [
    (
        "agents_js_history_toJSON",
        "Agent: Hi, this is Ava.\nCaller: I'd like Tuesday.",
    ),
    ("agents_js_session_report", "Caller: I'd like Tuesday."),
    (
        "agents_py_history_to_dict",
        "Agent: Hi, this is Ava from Acme Dental. How can I help?\nCaller: I'd like to book a cleaning for Tuesday.\n\
         Agent: You're booked for Tuesday at ten. [interrupted]",
    ),
    (
        "agents_py_session_report",
        "Agent: Hi, this is Ava from Acme Dental. How can I help?\nCaller: I'd like to book a cleaning for Tuesday.\n\
         Agent: You're booked for Tuesday at ten. [interrupted]",
    ),
];

fn fixture(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("{FIXTURES}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A token as the agent of this room makes it.
fn of_room(room: &str) -> String {
    token(VideoGrants {
        room_admin: true,
        room: room.to_owned(),
        ..Default::default()
    })
}

/// Sends a report; status and body of the answer.
async fn report(world: &World, token: &str, query: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
    let url = world.url(&format!("/v1/transcripts{query}"));
    let request = world.http.post(url).bearer_auth(token).body(body.into());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    if status >= 400 {
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json");
    }
    (status, answer.json().await.unwrap())
}

async fn transcript_is(world: &World, call: &str, wanted: &str) -> Value {
    let row = world
        .row_where(call, |row| {
            row.get("Transcript").is_some_and(|text| text == wanted)
        })
        .await;
    Value::Object(row)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_of_the_agents_sdks_is_read() {
    let world = World::new().await;
    for (n, (name, text)) in REPORTS.into_iter().enumerate() {
        let room = format!("call-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        let mut body = fixture(name);
        if body.get("room").is_some() {
            body["room"] = json!(room);
            body["room_id"] = json!(call);
        }
        let token = of_room(&room);
        let (status, answer) = report(&world, &token, "", body.to_string()).await;
        assert_eq!(status, 202, "{name}: {answer}");
        let turns = text.lines().count();
        let wanted = json!({ "call_id": call, "room_name": room, "turns": turns });
        assert_eq!(answer, wanted, "{name}");
        let row = transcript_is(&world, &call, text).await;
        for hidden in [
            "receptionist",
            "book_appointment",
            "10:00",
            "function",
            "handoff",
        ] {
            assert!(
                !row["Transcript"].as_str().unwrap().contains(hidden),
                "{name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flat_shapes_are_read() {
    let world = World::new().await;
    let turns = json!([
        { "speaker": "agent", "text": "Hello." },
        { "speaker": "caller", "text": "Hi.", "interrupted": true },
        { "role": "system", "text": "You are Ava." },
    ]);
    let lines = "Agent: Hello.\nCaller: Hi. [interrupted]";
    let camel = json!({ "chatHistory": { "items": [
        { "type": "message", "role": "assistant", "content": ["Hello."], "createdAt": 1763884801000i64 },
        { "type": "message", "role": "user", "content": ["Hi."], "interrupted": true },
        { "type": "agent_handoff", "newAgentId": "billing" },
    ]}});
    let openai = json!({ "messages": [
        { "role": "system", "content": "You are Ava." },
        { "role": "developer", "content": "Be brief." },
        { "role": "assistant", "content": "Hello." },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "call_1", "type": "function",
          "function": { "name": "look_up", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "a secret of the desk's" },
        { "role": "user", "content": [{ "type": "text", "text": "Hi." }], "interrupted": true },
    ]});
    let shapes = [
        (json!("Agent: Hello.\nCaller: Hi. [interrupted]"), 1),
        (turns.clone(), 2),
        (json!({ "turns": turns }), 2),
        (json!({ "transcript": turns }), 2),
        (json!({ "transcript": lines }), 1),
        (json!({ "history": { "items": turns } }), 2),
        (camel, 2),
        (openai, 2),
    ];
    for (n, (shape, turns)) in shapes.into_iter().enumerate() {
        let room = format!("flat-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        let query = format!("?room_name={room}");
        let (status, answer) =
            report(&world, crate::harness::API_TOKEN, &query, shape.to_string()).await;
        assert_eq!((status, &answer["turns"]), (202, &json!(turns)), "{shape}");
        transcript_is(&world, &call, lines).await;
    }
    let call = world.livekit.open_room("plain");
    world.row_is(&call, "Live").await;
    let plain = world
        .http
        .post(world.url("/v1/transcripts?room_name=plain"));
    let plain = plain.bearer_auth(crate::harness::API_TOKEN);
    let plain = plain.header("content-type", "text/plain; charset=utf-8");
    let answer = plain.body(lines).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    transcript_is(&world, &call, lines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_who_may_not_and_what_is_wrong() {
    let world = World::new().await;
    let good = json!({ "room": "call-1", "turns": [] }).to_string();
    let ours = crate::harness::API_TOKEN;
    let no_admin = token(VideoGrants {
        room_record: true,
        room: "call-1".into(),
        ..Default::default()
    });
    let elsewhere = of_room("call-2");
    let cases: [(&str, &str, &str, u16, &str); 12] = [
        ("wrong", "", &good, 401, "neither API_TOKEN"),
        ("", "", &good, 401, "Bearer"),
        (&no_admin, "", &good, 403, "roomAdmin"),
        (&elsewhere, "", &good, 403, "another room"),
        (ours, "", "{\n  \"room\": oops }", 400, "line 2, column 1"),
        (ours, "", "", 400, "not JSON"),
        (ours, "", r#"{"turns":[]}"#, 400, "the room is missing"),
        (ours, "", r#"{"room":"call-1"}"#, 400, "no conversation"),
        (
            ours,
            "",
            r#"{"room":"call-1","turns":5}"#,
            400,
            "neither a list",
        ),
        (
            ours,
            "",
            r#"{"room":"call-1","history":{"a":1}}"#,
            400,
            "`items`",
        ),
        (ours, "?room=call-1", "17", 400, "neither a list"),
        (ours, "?room=a&room=b", &good, 400, "query"),
    ];
    for (token, query, body, status, detail) in cases {
        let (got, problem) = report(&world, token, query, body).await;
        assert_eq!(
            (got, &problem["status"]),
            (status, &json!(status)),
            "{problem}"
        );
        let reported = problem["detail"].as_str().unwrap();
        assert!(reported.contains(detail), "{detail}: {reported}");
        assert!(!reported.contains("eyJ"), "{reported}");
    }
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let (status, _) = report(&world, ours, "?room=call-1", deep).await;
    assert_eq!(status, 400);
    let large = format!(
        r#"{{"room":"call-1","transcript":"{}"}}"#,
        "x".repeat(17 << 20)
    );
    let (status, problem) = report(&world, ours, "", large).await;
    assert_eq!(status, 413);
    assert!(problem["detail"].as_str().unwrap().contains("16 MiB"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_lands_before_the_room_during_the_call_and_after_it() {
    let world = World::new().await;
    let ours = crate::harness::API_TOKEN;
    let early = json!({ "room": "early", "transcript": "before" }).to_string();
    let (status, answer) = report(&world, ours, "", early).await;
    assert_eq!((status, &answer["call_id"]), (202, &Value::Null));
    assert_eq!(answer["room_name"], "early");
    let call = world.livekit.open_room("early");
    transcript_is(&world, &call, "before").await;
    let during = json!({ "room": "early", "transcript": "during" }).to_string();
    let (_, answer) = report(&world, ours, "", during).await;
    assert_eq!(answer["call_id"], call.as_str());
    transcript_is(&world, &call, "during").await;
    world.livekit.close_room("early");
    // Words were said, and nothing was recorded.
    world.row_is(&call, "Failed").await;
    let after = json!({ "room": "early", "transcript": "after" }).to_string();
    let (_, answer) = report(&world, &of_room("early"), "", after).await;
    assert_eq!(answer["call_id"], call.as_str());
    transcript_is(&world, &call, "after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_by_sid_may_come_before_the_room() {
    let world = World::new().await;
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("sid-first");
    for token in [crate::harness::API_TOKEN.to_owned(), of_room("sid-first")] {
        let body = json!({ "room_id": call, "transcript": "by sid" }).to_string();
        let (status, answer) = report(&world, &token, "", body).await;
        assert_eq!(
            (status, &answer["call_id"]),
            (202, &json!(call)),
            "{answer}"
        );
    }
    world.livekit.lose_webhooks(false);
    world.livekit.join("sid-first", agent());
    let row = transcript_is(&world, &call, "by sid").await;
    assert_eq!(row["Call ID"], call.as_str());
    let named =
        |row: &serde_json::Map<String, Value>| row.get("Room").is_some_and(|r| r == "sid-first");
    world.row_where(&call, named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_report_wins_in_any_order() {
    let world = World::new().await;
    let ours = crate::harness::API_TOKEN;
    let call = world.livekit.open_room("twice");
    world.row_is(&call, "Live").await;
    for (n, (at, text)) in [(2000, "second"), (3000, "third"), (1000, "first")]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "room_id": call, "timestamp": 1_763_884_000 + at, "transcript": text });
        let (status, _) = report(&world, ours, "", body.to_string()).await;
        assert_eq!(status, 202);
        read_message(&world, "report", n + 1).await;
    }
    transcript_is(&world, &call, "third").await;
    let read = world.get(&format!("/v1/calls/{call}/transcript.txt")).await;
    assert_eq!(read.text().await.unwrap(), "third");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_of_5_mb_is_cut_at_a_turn_and_whole_in_the_bucket() {
    let world = World::new().await;
    let call = world.livekit.open_room("long");
    world.livekit.join("long", agent());
    world.starts("long", 1).await;
    world.livekit.speak("long");
    let turn =
        |n: usize| json!({ "speaker": "agent", "text": format!("{n} {}", "word 😀 ".repeat(100)) });
    let turns: Vec<Value> = (0..5300).map(turn).collect();
    let body = json!({ "room_id": call, "turns": turns }).to_string();
    assert!(body.len() > 5_000_000, "{}", body.len());
    let (status, answer) = report(&world, &of_room("long"), "", body).await;
    assert_eq!((status, &answer["turns"]), (202, &json!(5300)), "{answer}");
    world.livekit.close_room("long");
    world.row_is(&call, "Complete").await;
    let cut = |row: &serde_json::Map<String, Value>| row.contains_key("Transcript URL");
    let row = world.row_where(&call, cut).await;
    let cell = row["Transcript"].as_str().unwrap();
    let units = cell.encode_utf16().count();
    assert!((98_000..=99_000).contains(&units), "{units}");
    let mut lines = cell.lines().rev();
    assert!(lines.next().unwrap().contains("Transcript URL"));
    assert!(lines.all(|line| line.starts_with("Agent: ") && line.ends_with("😀")));
    let whole = world.http.get(row["Transcript URL"].as_str().unwrap());
    let whole = whole.send().await.unwrap();
    assert_eq!(whole.status(), 200);
    let whole = whole.text().await.unwrap();
    assert_eq!(whole.lines().count(), 5300);
    assert!(whole.ends_with("😀"), "{}", &whole[whole.len() - 20..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_report_lands_when_its_call_gets_its_name() {
    let world = World::new().await;
    let ours = crate::harness::API_TOKEN;
    let now = jiff::Timestamp::now().as_second();
    let dated = json!({ "room": "named-late", "timestamp": now, "transcript": "by name" });
    let (_, answer) = report(&world, ours, "", dated.to_string()).await;
    assert_eq!(answer["call_id"], Value::Null);
    world.livekit.lose_webhooks(true);
    let call = world.livekit.open_room("named-late");
    let by_sid = json!({ "room_id": call, "timestamp": now - 20, "transcript": "by sid" });
    report(&world, ours, "", by_sid.to_string()).await;
    world.livekit.lose_webhooks(false);
    world.livekit.join("named-late", agent());
    transcript_is(&world, &call, "by name").await;
}
