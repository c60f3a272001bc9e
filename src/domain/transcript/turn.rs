//! One item of a conversation, in the shapes of LiveKit's agents, OpenAI, Gemini, LangChain, Vapi, Retell, ElevenLabs and
//! plain texts.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    kind::by_kind,
    label::{Label, label},
    line::line,
    markup::spoken,
    named::named,
    report::{Speaker, Turn},
    time::{Moment, moment},
    timed::{at, timed},
    unread::has_unread_words,
    words::{is_unspoken, words, words_in},
};

/// An item of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Turn(Turn),
    /// Not spoken: the system prompt, a tool call, a handoff, a message without words.
    Silent,
    /// It has words, but no speaker.
    Unknown,
    /// It has texts, but none in a field for words.
    Wordless,
}

/// Fields that may wrap an item: in the agents SDK's events, ChatGPT's exports, Hume's messages.
const WRAPPERS: [&str; 7] = [
    "item",
    "message",
    "data",
    "Transcript",
    "event",
    "serverContent",
    "server_content",
];
/// How deep an item may be wrapped: in Amazon Nova's events twice.
const DEEPEST: u8 = 3;
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

/// Lengths of IDs that are unique beyond their report.
const UNIQUE: std::ops::RangeInclusive<usize> = 8..=64;
/// The maximum length of a label in a pair, in bytes: a participant's identity or name.
const LONGEST_NAME: usize = 100;

/// Parses an item.
pub(super) fn item(item: &Value) -> Item {
    match item {
        Value::String(text) => line(text).map_or(Item::Silent, voiced),
        Value::Object(fields) => of_fields(fields, 0),
        // LangChain's `["human", "Hi"]`, and with a time.
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(name), Value::String(words)] => pair(name, words.trim(), None),
            [Value::String(name), Value::String(words), time] if moment(time).is_some() => {
                pair(name, words.trim(), moment(time))
            }
            _ => Item::Unknown,
        },
        _ => Item::Unknown,
    }
}

fn of_fields(fields: &Map<String, Value>, depth: u8) -> Item {
    if is_silent(fields) {
        return Item::Silent;
    }
    let named = named(fields);
    if named.is_none()
        && depth < DEEPEST
        && let Some(inner) = wrapped(fields)
    {
        return of_fields(inner, depth + 1);
    }
    let text = words(fields);
    let turn = match named {
        Some((Label::Silent, _)) => return Item::Silent,
        None | Some((Label::Unknown, _)) if text.is_empty() => match keyed(fields) {
            Some(turn) => turn,
            None => return without_words(fields, named),
        },
        _ if text.is_empty() => return without_words(fields, named),
        None => return Item::Unknown,
        Some((Label::Speaker(speaker), _)) => Turn::new(speaker, text),
        Some((Label::Unknown, name)) => Turn {
            label: Some(name.into_owned().into()),
            ..Turn::new(Speaker::Caller, text)
        },
    };
    let mut turn = timed(turn, fields);
    let interrupted = ["interrupted", "was_interrupted", "wasInterrupted"];
    turn.interrupted = interrupted
        .iter()
        .any(|name| fields.get(*name) == Some(&Value::Bool(true)));
    let id = fields.get("id").and_then(Value::as_str);
    let id = id.filter(|id| UNIQUE.contains(&id.len()));
    turn.item = id.map(Into::into);
    voiced(turn)
}

/// The item that an object wraps: in a known field, or in its only one.
fn wrapped(fields: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let known = |name: &&str| fields.get(*name)?.as_object();
    let only = || {
        let (name, value) = fields.iter().next().filter(|_| fields.len() == 1)?;
        let is_other = [label(name), by_kind(name)] == [Label::Unknown; 2] && !is_unspoken(name);
        value.as_object().filter(|_| is_other)
    };
    WRAPPERS.iter().find_map(known).or_else(only)
}

/// `{"agent": "Hello."}`, `{"outputTranscription": {"text": "Hello."}}`: the speaker and the words.
fn keyed(fields: &Map<String, Value>) -> Option<Turn> {
    fields.iter().find_map(|(name, words)| {
        let (speaker, words) = match (label(name), by_kind(name)) {
            (Label::Speaker(speaker), _) => (speaker, words.as_str()?.trim().to_owned()),
            (_, Label::Speaker(speaker)) => (speaker, words_in(words)),
            _ => return None,
        };
        (!words.is_empty()).then(|| Turn::new(speaker, words))
    })
}

fn without_words(fields: &Map<String, Value>, named: Option<(Label, Cow<'_, str>)>) -> Item {
    match has_unread_words(fields, named.as_ref().map(|(_, name)| name.as_ref())) {
        true => Item::Wordless,
        false => Item::Silent,
    }
}

/// Whether nobody spoke it: a function call or the like, or an interim sentence.
pub(super) fn is_silent(fields: &Map<String, Value>) -> bool {
    let kind = fields.get("type").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let interim = ["is_final", "isFinal", "final"];
    let wrapped = fields.get("data").and_then(Value::as_object);
    let interim = [Some(fields), wrapped].into_iter().flatten().any(|fields| {
        let mut given = interim.iter().filter_map(|name| fields.get(*name));
        given.any(|value| value == &Value::Bool(false))
    });
    interim || SILENT.iter().any(|silent| kind.starts_with(silent))
}

fn pair(name: &str, words: &str, time: Option<Moment>) -> Item {
    let turn = match label(name) {
        _ if words.is_empty() => return Item::Silent,
        Label::Silent => return Item::Silent,
        Label::Speaker(speaker) => Turn::new(speaker, words),
        Label::Unknown if name.len() > LONGEST_NAME => return Item::Unknown,
        Label::Unknown => Turn {
            label: Some(name.into()),
            ..Turn::new(Speaker::Caller, words)
        },
    };
    voiced(at(turn, time))
}

/// The turn without text-to-speech markup.
pub(super) fn voiced(mut turn: Turn) -> Item {
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
            json!(["Ava", "Hi.", "Hello."]),
        ] {
            assert_eq!(item(&value), Item::Unknown, "{value}");
        }
    }

    #[test]
    fn words_in_unknown_fields_are_noticed() {
        for value in [
            json!({ "speaker": "agent", "utterance_text": "Hello." }),
            json!({ "role": "user", "content": [{ "type": "text", "txt": "Hi." }] }),
            json!({ "role": "user", "payload": { "said": "Hi." } }),
            json!({ "type": "utterance", "spoken": "Good morning." }),
        ] {
            assert_eq!(item(&value), Item::Wordless, "{value}");
        }
        for value in [
            json!({ "type": "a_new_kind", "id": "item_1", "mode": "fast", "created_at": 1 }),
            json!({ "role": "assistant", "content": [], "model": "gpt-4o", "note": "x" }),
            json!({ "role": "model", "parts": [{ "functionCall": { "name": "book", "args": { "day": "Tuesday" } } }] }),
            json!({ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "https://x.com" } }] }),
        ] {
            assert_eq!(item(&value), Item::Silent, "{value}");
        }
    }
}
