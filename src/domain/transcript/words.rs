//! The words of a message, in the shapes of all who make messages.

use serde_json::{Map, Value};

/// Where a message or a part of one has its words, in order of preference.
const PLACES: [&str; 15] = [
    "content",
    "text",
    "transcript",
    "message",
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
];
/// Parts that are no words: what a model thinks, calls or shows.
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
/// How deeply the words may be nested.
const DEEPEST: u8 = 5;

/// The text of a message: strings, and the transcripts of audio parts; images are omitted.
pub(super) fn words(message: &Map<String, Value>) -> String {
    of_object(message, 0)
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

fn is_silent(part: &Map<String, Value>) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    part.get("thought") == Some(&Value::Bool(true))
        || SILENT.iter().any(|silent| kind.starts_with(silent))
}
