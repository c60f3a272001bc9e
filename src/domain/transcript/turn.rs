//! One item of a conversation, in the shapes of LiveKit's agents, OpenAI and plain texts.

use jiff::Timestamp;
use serde_json::Value;

use super::report::{Speaker, Turn};

/// The turn, if the item is one: function calls, handoffs and the system prompt are not.
pub(super) fn turn(item: &Value) -> Option<Turn> {
    if let Value::String(text) = item {
        return Some(Turn {
            speaker: Speaker::Caller,
            text: text.clone(),
            interrupted: false,
            at: None,
        });
    }
    let kind = item.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "message") {
        return None;
    }
    let role = ["role", "speaker"]
        .iter()
        .find_map(|name| item.get(*name))?;
    let text = ["content", "text", "message"]
        .iter()
        .find_map(|name| item.get(*name));
    let at = ["created_at", "createdAt", "timestamp"];
    Some(Turn {
        speaker: speaker(role.as_str()?)?,
        text: text.map(words).filter(|text| !text.is_empty())?,
        interrupted: item.get("interrupted") == Some(&Value::Bool(true)),
        at: at.iter().find_map(|name| timestamp(item.get(*name)?)),
    })
}

fn speaker(role: &str) -> Option<Speaker> {
    match role.to_ascii_lowercase().as_str() {
        "assistant" | "agent" => Some(Speaker::Agent),
        "user" | "caller" => Some(Speaker::Caller),
        _ => None,
    }
}

/// The text of a message's content: strings, and the transcripts of audio parts; images are omitted.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(parts) => {
            let texts = parts.iter().map(words).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join(" ")
        }
        Value::Object(part) => {
            let text = part.get("text").or_else(|| part.get("transcript"));
            text.map(words).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Seconds (Python) or milliseconds (JavaScript: above 1e11) since the epoch, or RFC 3339.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let number = value.as_f64().filter(|number| *number > 0.0)?;
    let millis = if number > 1e11 {
        number
    } else {
        number * 1000.0
    };
    Timestamp::from_millisecond(millis as i64).ok()
}
