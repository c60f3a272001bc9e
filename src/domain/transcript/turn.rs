//! One item of a conversation, in the shapes of LiveKit's agents, OpenAI, Gemini, LangChain, Vapi, Retell, ElevenLabs and
//! plain texts.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    label::{Label, label},
    line::line,
    markup::spoken,
    named::{keyed, named},
    report::{Speaker, Turn},
    timed::timed,
    words::words,
};

/// An item of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Turn(Turn),
    /// Not spoken: the system prompt, a tool call, a handoff, a message without words.
    Silent,
    /// It has words, but no speaker.
    Unknown,
}

/// Fields that may wrap an item: in the agents SDK's events, ChatGPT's exports, Hume's messages.
const WRAPPERS: [&str; 3] = ["item", "message", "data"];
/// Prefixes of the types of items that nobody speaks.
const SILENT: [&str; 10] = [
    "function",
    "tool",
    "agent_handoff",
    "agentHandoff",
    "agent_config",
    "agentConfig",
    "handoff",
    "reasoning",
    "system",
    "instruction",
];

/// Parses an item.
pub(super) fn item(item: &Value) -> Item {
    match item {
        Value::String(text) => line(text).map_or(Item::Silent, voiced),
        Value::Object(fields) => of_fields(fields, Depth::Outer),
        // LangChain's `["human", "Hi"]`.
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(name), Value::String(words)] => pair_of(name, words.trim()),
            _ => Item::Unknown,
        },
        _ => Item::Unknown,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Outer,
    Wrapped,
}

fn of_fields(fields: &Map<String, Value>, depth: Depth) -> Item {
    if is_silent(fields) {
        return Item::Silent;
    }
    let named = named(fields);
    if named.is_none() && depth == Depth::Outer {
        let inner = |name: &&str| fields.get(*name)?.as_object();
        if let Some(inner) = WRAPPERS.iter().find_map(inner) {
            return of_fields(inner, Depth::Wrapped);
        }
    }
    let text = words(fields);
    let turn = match named {
        None | Some((Label::Unknown, _)) if text.is_empty() => match keyed(fields) {
            Some((speaker, words)) => Turn::new(speaker, words),
            None => return Item::Silent,
        },
        _ if text.is_empty() => return Item::Silent,
        None => return Item::Unknown,
        Some((Label::Silent, _)) => return Item::Silent,
        Some((Label::Speaker(speaker), _)) => Turn::new(speaker, text),
        Some((Label::Unknown, name)) => Turn {
            label: Some(name.into()),
            ..Turn::new(Speaker::Caller, text)
        },
    };
    let mut turn = timed(turn, fields);
    let interrupted = ["interrupted", "was_interrupted", "wasInterrupted"];
    turn.interrupted = interrupted
        .iter()
        .any(|name| fields.get(*name) == Some(&Value::Bool(true)));
    voiced(turn)
}

/// Whether nobody spoke it: a function call or the like, or an interim sentence.
fn is_silent(fields: &Map<String, Value>) -> bool {
    let kind = fields.get("type").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let interim = ["is_final", "isFinal", "final"];
    let interim = interim
        .iter()
        .any(|name| fields.get(*name) == Some(&Value::Bool(false)));
    interim || SILENT.iter().any(|silent| kind.starts_with(silent))
}

fn pair_of(name: &str, words: &str) -> Item {
    match label(name) {
        _ if words.is_empty() => Item::Silent,
        Label::Speaker(speaker) => voiced(Turn::new(speaker, words)),
        Label::Silent => Item::Silent,
        Label::Unknown => Item::Unknown,
    }
}

/// The turn without text-to-speech markup.
fn voiced(mut turn: Turn) -> Item {
    if turn.label.is_none()
        && turn.speaker == Speaker::Agent
        && let Cow::Owned(text) = spoken(&turn.text)
    {
        turn.text = text;
    }
    match turn.text.is_empty() {
        true => Item::Silent,
        false => Item::Turn(turn),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_that_nobody_speaks_are_silent() {
        for value in [
            json!({ "role": "system", "content": "You are Ava." }),
            json!({ "role": "assistant", "content": "", "model": "gpt-4o" }),
            json!({ "role": "assistant", "content": null, "tool_calls": [{ "name": "book" }] }),
            json!({ "type": "function_call", "name": "book", "arguments": "{}" }),
            json!({ "type": "agent_config_update", "instructions": "You are Ava." }),
            json!({ "role": "assistant", "content": [{ "type": "thinking", "thinking": "Hm", "text": "Hm" }] }),
            json!({ "role": "user", "text": "He", "is_final": false }),
            json!({ "role": "assistant", "content": "<break time=\"1s\"/> [sighs]" }),
            json!({}),
            json!("System: You are Ava."),
            json!(""),
        ] {
            assert_eq!(item(&value), Item::Silent, "{value}");
        }
    }

    #[test]
    fn words_without_a_speaker_are_unknown() {
        for value in [
            json!({ "text": "Hi.", "model": "gpt-4o" }),
            json!(17),
            json!(["Ava", "Hi."]),
        ] {
            assert_eq!(item(&value), Item::Unknown, "{value}");
        }
    }
}
