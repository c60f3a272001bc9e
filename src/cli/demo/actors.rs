//! The participants of the demo's calls, and the agent's report.

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

/// A Python agent's session report, shortened.
pub(super) fn report(room: &str) -> Value {
    let turn = |role: &str, text: &str, interrupted: bool| json!({ "type": "message", "role": role, "content": [text], "interrupted": interrupted });
    json!({
        "room": room,
        "chat_history": { "items": [
            { "type": "agent_config_update", "instructions": "You are Ava, the receptionist." },
            turn("assistant", "Hi, this is Ava from Acme Dental. How can I help?", false),
            turn("user", "I'd like to book a cleaning for Tuesday.", false),
            { "type": "function_call", "name": "book_appointment", "arguments": "{}" },
            turn("assistant", "You're booked for Tuesday at ten. Is there anything", true),
            turn("user", "No, that's all. Bye!", false),
        ] },
    })
}
