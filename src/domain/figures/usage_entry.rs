//! An entry of a report's `usage`, in the forms of all SDKs.

use serde_json::{Map, Value};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Llm,
    Tts,
    Stt,
}

/// The name in this field, if the report knows it.
pub(super) fn given<'a>(entry: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    let text = entry.get(field)?.as_str()?.trim();
    (!text.is_empty() && text != "unknown").then_some(text)
}

/// By its type; SDKs before 1.8 left that out.
pub(super) fn stage(entry: &Map<String, Value>) -> Option<Stage> {
    let has = |names: [&str; 2]| number(entry, names).is_some();
    match entry.get("type").and_then(Value::as_str) {
        Some("llm_usage") => Some(Stage::Llm),
        Some("tts_usage") => Some(Stage::Tts),
        Some("stt_usage") => Some(Stage::Stt),
        Some(_) => None,
        None if has(["characters_count", "charactersCount"]) => Some(Stage::Tts),
        None if has(["input_tokens", "inputTokens"]) || has(["output_tokens", "outputTokens"]) => {
            Some(Stage::Llm)
        }
        None if seconds(entry).is_some() => Some(Stage::Stt),
        None => None,
    }
}

/// Seconds of sound; before 1.9, SDKs in JavaScript counted milliseconds.
pub(super) fn seconds(entry: &Map<String, Value>) -> Option<f64> {
    let milliseconds = number(entry, ["audio_duration_ms", "audioDurationMs"]);
    let seconds = || number(entry, ["audio_duration", "audioDuration"]);
    milliseconds.map(|n| n / 1e3).or_else(seconds)
}

/// The first of these fields that is a number, and not negative.
pub(super) fn number(entry: &Map<String, Value>, names: [&str; 2]) -> Option<f64> {
    let mut numbers = names.iter().filter_map(|name| entry.get(*name)?.as_f64());
    numbers.find(|number| number.is_finite() && *number >= 0.0)
}
