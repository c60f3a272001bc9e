//! The words of a message, in the formats of many frameworks.

use serde_json::{Map, Value};

/// Fields with the words of a message or of one of its parts, in order of preference.
const PLACES: [&str; 22] = [
    "content",
    "text",
    "transcript",
    "message",
    "message_text",
    "parts",
    "data",
    "kwargs",
    "value",
    "utterance",
    "sentence",
    "body",
    "speech",
    "words",
    "word",
    "refusal",
    "msg",
    "transcription",
    "Content",
    "Text",
    "Transcript",
    "Message",
];
/// Prefixes of the types of parts that are not spoken: thoughts, tool calls, pictures.
const SILENT: [&str; 8] = [
    "reason",
    "think",
    "tool",
    "function",
    "image",
    "file",
    "video",
    "instructions",
];
/// The maximum depth of nested words.
const DEEPEST: u8 = 5;

/// The text of a message: strings, and the transcripts of audio parts; images are omitted.
pub(super) fn words(message: &Map<String, Value>) -> String {
    of_object(message, 0)
}

/// The words in a value: a text, a list of parts, or an object.
pub(super) fn words_in(value: &Value) -> String {
    of(value, 0)
}

fn of(value: &Value, depth: u8) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(parts) if depth < DEEPEST => {
            let texts = parts.iter().map(|part| of(part, depth + 1));
            let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
            texts.join(" ")
        }
        Value::Object(part) if depth < DEEPEST && !is_silent(part) => of_object(part, depth + 1),
        _ => String::new(),
    }
}

fn of_object(fields: &Map<String, Value>, depth: u8) -> String {
    let given = PLACES.iter().filter_map(|place| fields.get(*place));
    let mut texts = given.map(|value| of(value, depth));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// Whether a field is one for the words, and has none: nothing was said.
pub(super) fn is_without_words(fields: &Map<String, Value>) -> bool {
    let mut given = PLACES.iter().filter_map(|place| fields.get(*place));
    given.any(|value| match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(parts) => parts.is_empty(),
        _ => false,
    })
}

/// Whether a part of a message is not spoken.
pub(super) fn is_silent(part: &Map<String, Value>) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    part.get("thought") == Some(&Value::Bool(true)) || is_unspoken(kind)
}

/// Whether the name of a part's type or field is one of parts that are not spoken.
pub(super) fn is_unspoken(kind: &str) -> bool {
    SILENT.iter().any(|silent| kind.starts_with(silent))
}
