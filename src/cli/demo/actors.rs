//! The participants of the demo's calls, and the agent's report.

use std::time::Duration;

use serde_json::{Value, json};

use livekit_airtable_sim::livekit;

/// The agent Ava.
pub(super) fn agent() -> livekit::Person {
    livekit::Person {
        identity: "agent-ava".into(),
        name: "Ava".into(),
        kind: livekit::Kind::Agent,
        attributes: Vec::new(),
    }
}

/// A caller with this phone number.
pub(super) fn caller(number: &str) -> livekit::Person {
    livekit::Person {
        identity: format!("sip_{number}"),
        name: format!("Phone {number}"),
        kind: livekit::Kind::Sip,
        attributes: vec![("sip.phoneNumber".into(), number.into())],
    }
}

/// The conversation of the ordinary call, by tests/fixtures/demo/make: the agent left, the caller right.
pub(super) const RECORDING: &[u8] = include_bytes!("call.mp3");
/// How long it is.
pub(super) const RECORDING_LENGTH: Duration = Duration::from_secs(17);

/// Who says what, from when to when in the recording (seconds), and how it ends.
const LINES: [(&str, f64, f64, &str, Ending); 4] = [
    (
        "assistant",
        0.8,
        4.22,
        "Hi, this is Ava from Acme Dental. How can I help?",
        Ending::Complete,
    ),
    (
        "user",
        4.9,
        7.13,
        "I'd like to book a cleaning for Tuesday.",
        Ending::Complete,
    ),
    (
        "assistant",
        11.2,
        14.15,
        "You're booked for Tuesday at ten. Is there anything",
        Ending::Interrupted,
    ),
    (
        "user",
        14.1,
        15.84,
        "No, that's all. Bye!",
        Ending::Complete,
    ),
];
/// When the agent calls its tool.
const TOOL_AT: f64 = 7.6;

/// Whether the other side cut a line short.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Complete,
    Interrupted,
}

/// A Python agent's session report, shortened. `begun_at`: the beginning of the recording, in seconds since the epoch.
pub(super) fn report(room: &str, begun_at: f64) -> Value {
    let turn = |(role, from, to, words, ending): &(&str, f64, f64, &str, Ending)| {
        let metrics =
            json!({ "started_speaking_at": begun_at + from, "stopped_speaking_at": begun_at + to });
        json!({
            "id": format!("item_{from}"), "type": "message", "role": role, "content": [words], "created_at": begun_at + to,
            "interrupted": *ending == Ending::Interrupted, "metrics": metrics,
        })
    };
    let [greeting, wish, answer, goodbye] = LINES.each_ref().map(turn);
    let arguments = r#"{"day":"Tuesday","treatment":"cleaning"}"#;
    json!({
        "job_id": "AJ_demo",
        "room": room,
        "timestamp": begun_at + RECORDING_LENGTH.as_secs_f64(),
        "close_reason": "participant_disconnected",
        "chat_history": { "items": [
            { "type": "agent_config_update", "instructions": "You are Ava, the receptionist." },
            greeting,
            wish,
            { "id": "call", "type": "function_call", "call_id": "1", "name": "book_appointment", "arguments": arguments, "created_at": begun_at + TOOL_AT },
            { "id": "output", "type": "function_call_output", "call_id": "1", "name": "book_appointment", "output": "Tuesday 10:00", "is_error": false, "created_at": begun_at + TOOL_AT + 3.0 },
            answer,
            goodbye,
        ] },
    })
}
