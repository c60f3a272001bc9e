//! The conversation in a body: a text, a list of turns, or an object that holds such a list.

use serde_json::{Value, value::RawValue};

use super::{
    bounded::Budget,
    captions::{each_caption, is_captions},
    exchange::each_item,
    parts::{MOST_VALUES, UnreadableReport, fields, is_list, items, part},
    turn::{Item, voiced},
};

/// A conversation with more turns is refused: each takes about a hundred bytes of memory, however short it is.
const MOST_TURNS: usize = 250_000;
/// The fields in which an object may have its text.
const TEXTS: [&str; 3] = ["text", "transcript", "content"];
/// The fields in which an object may have its list.
const LISTS: [&str; 8] = [
    "items",
    "turns",
    "messages",
    "contents",
    "utterances",
    "segments",
    "sentences",
    "entries",
];

/// Calls `each` with every item. Returns the text if the conversation is plain text.
pub(super) fn conversation(
    value: &RawValue,
    each: &mut dyn FnMut(&Value, Item),
) -> Result<Option<String>, UnreadableReport> {
    match value.get().as_bytes().first() {
        Some(b'"') => {
            let text: String = part(value)?;
            match nested(&text) {
                Some(nested) => structured(&nested, each),
                None if is_captions(&text) => captions(&text, each).map(|()| None),
                None => Ok(Some(text)),
            }
        }
        Some(b'[' | b'{') => structured(value, each),
        _ => Err(UnreadableReport(
            "the conversation is neither a list of turns nor text".into(),
        )),
    }
}

/// A list, an object with a list, or an object without one that has a text.
fn structured(
    value: &RawValue,
    each: &mut dyn FnMut(&Value, Item),
) -> Result<Option<String>, UnreadableReport> {
    if is_list(value) {
        return turns(value, each).map(|()| None);
    }
    let wanted = |name: &str| LISTS.contains(&name) || TEXTS.contains(&name);
    let inner = fields(value, wanted)?;
    let list = LISTS.iter().find_map(|name| inner.get(*name));
    let text = TEXTS.iter().find_map(|name| inner.get(*name));
    match (list, text) {
        (Some(list), _) if is_list(list) => turns(list, each).map(|()| None),
        (None, _) if is_turn(value) => one(value, each).map(|()| None),
        (None, Some(text)) if text.get().starts_with('"') => part(text).map(Some),
        _ => Err(UnreadableReport(
            "the conversation is an object without an `items` or `turns` list".into(),
        )),
    }
}

/// Whether an object is a turn with its speaker.
pub(super) fn is_turn(value: &RawValue) -> bool {
    let mut is_turn = false;
    let read = one(value, &mut |_, item| {
        is_turn |= matches!(item, Item::Turn(_))
    });
    read.is_ok() && is_turn
}

/// Calls `each` with an object that is an item itself.
fn one(value: &RawValue, each: &mut dyn FnMut(&Value, Item)) -> Result<(), UnreadableReport> {
    let parsed = Budget::new(MOST_VALUES).value(value);
    let parsed = parsed.map_err(|error| UnreadableReport(error.to_string()))?;
    each_item(value, &parsed, &mut |item| each(&parsed, item));
    Ok(())
}

/// A conversation that was serialized twice: the text is JSON that contains turns.
fn nested(text: &str) -> Option<Box<RawValue>> {
    if !text.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let inner: Box<RawValue> = serde_json::from_str(text).ok()?;
    let mut count = 0;
    structured(&inner, &mut |_, item| {
        count += usize::from(matches!(item, Item::Turn(_)))
    })
    .ok()?;
    (count > 0).then_some(inner)
}

fn captions(text: &str, each: &mut dyn FnMut(&Value, Item)) -> Result<(), UnreadableReport> {
    let mut count = 0;
    each_caption(text, &mut |turn| {
        count += 1;
        if count <= MOST_TURNS {
            each(&Value::Null, voiced(turn));
        }
    });
    limited(count)
}

fn turns(list: &RawValue, each: &mut dyn FnMut(&Value, Item)) -> Result<(), UnreadableReport> {
    let mut count = 0;
    items(list, |json, value| {
        each_item(json, value, &mut |item| {
            count += usize::from(matches!(item, Item::Turn(_)));
            if count <= MOST_TURNS {
                each(value, item);
            }
        });
    })?;
    limited(count)
}

fn limited(count: usize) -> Result<(), UnreadableReport> {
    match count <= MOST_TURNS {
        true => Ok(()),
        false => Err(UnreadableReport(format!(
            "the conversation has {count} turns; at most {MOST_TURNS} are accepted"
        ))),
    }
}
