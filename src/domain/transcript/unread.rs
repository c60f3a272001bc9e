//! Whether an item has words in fields that are not known.

use serde_json::{Map, Value};

use super::{
    field_name::name_words,
    named::{is_kind, is_speaker},
    words::{is_silent, is_unspoken, is_without_words},
};

/// Fields whose texts are not words, without case and punctuation.
const OTHERS: [&str; 27] = [
    "id",
    "name",
    "lc",
    "object",
    "version",
    "model",
    "status",
    "state",
    "language",
    "lang",
    "locale",
    "sentiment",
    "confidence",
    "format",
    "duration",
    "date",
    "data",
    "attachments",
    "metadata",
    "metrics",
    "usage",
    "extra",
    "additionalkwargs",
    "responsemetadata",
    "room",
    "call",
    "inputaudio",
];
/// The last word of the names of such fields.
const ENDINGS: [&str; 12] = [
    "id",
    "ids",
    "at",
    "time",
    "timestamp",
    "ms",
    "millis",
    "url",
    "uri",
    "type",
    "reason",
    "status",
];
/// … and the first one.
const BEGINNINGS: [&str; 3] = ["audio", "inline", "metadata"];
/// The maximum depth of the search.
const DEEPEST: u8 = 5;

/// Whether anything in the item looks like words: of an item with a speaker, any text does; of others, only a
/// sentence.
pub(super) fn has_unread_words(fields: &Map<String, Value>, speaker: Option<&str>) -> bool {
    let is_word: fn(&str) -> bool = match speaker {
        Some(_) => |text| text.chars().any(char::is_alphanumeric),
        None => is_sentence,
    };
    in_object(fields, is_word, 0)
}

fn is_sentence(text: &str) -> bool {
    let has_letters = |c: char| c.is_alphabetic();
    let words = text
        .split_whitespace()
        .filter(|word| word.contains(has_letters));
    words.count() > 1 || text.chars().any(|c| c.is_alphabetic() && !c.is_ascii())
}

fn in_object(fields: &Map<String, Value>, is_word: fn(&str) -> bool, depth: u8) -> bool {
    if is_without_words(fields) || is_silent(fields) {
        return false;
    }
    let is_wrapper = |name: &str, value: &Value| is_kind(name) && value.is_object();
    let mut unknown = fields
        .iter()
        .filter(|(name, value)| !is_other(name) || is_wrapper(name, value));
    unknown.any(|(_, value)| in_value(value, is_word, depth))
}

fn in_value(value: &Value, is_word: fn(&str) -> bool, depth: u8) -> bool {
    match value {
        Value::String(text) => is_word(text),
        Value::Array(parts) if depth < DEEPEST => {
            parts.iter().any(|part| in_value(part, is_word, depth + 1))
        }
        Value::Object(fields) if depth < DEEPEST => in_object(fields, is_word, depth + 1),
        _ => false,
    }
}

fn is_other(name: &str) -> bool {
    let words = name_words(name);
    let is_one_of = |list: &[&str], word: Option<&String>| {
        word.is_some_and(|word| list.contains(&word.as_str()))
    };
    is_speaker(name)
        || is_unspoken(&name.to_lowercase())
        || OTHERS.contains(&words.concat().as_str())
        || is_one_of(&ENDINGS, words.last())
        || is_one_of(&BEGINNINGS, words.first())
}
