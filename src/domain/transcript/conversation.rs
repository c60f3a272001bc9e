//! The conversation in a body: a text, a list of turns, or an object that holds such a list.

use serde_json::{Value, value::RawValue};

use super::{
    parts::{RawFields, UnreadableReport, is_list, items, part},
    turn::{Item, item},
};

/// A conversation with more turns is refused: each takes about a hundred bytes of memory, however short it is.
const MOST_TURNS: usize = 250_000;
/// The names of the text in an object that holds one.
const TEXTS: [&str; 3] = ["text", "transcript", "content"];
/// The names of the list in an object that holds one.
const LISTS: [&str; 4] = ["items", "turns", "messages", "contents"];

/// Calls `each` with every item. The answer is the text of a conversation that is plain text.
pub(super) fn conversation(
    value: &RawValue,
    each: &mut dyn FnMut(&Value, Item),
) -> Result<Option<String>, UnreadableReport> {
    match value.get().as_bytes().first() {
        Some(b'"') => {
            let text: String = part(value)?;
            match nested(&text) {
                Some(nested) => list_in(&nested, each).map(|()| None),
                None => Ok(Some(text)),
            }
        }
        Some(b'[' | b'{') => match text_in(value)? {
            Some(text) => Ok(Some(text)),
            None => list_in(value, each).map(|()| None),
        },
        _ => Err(UnreadableReport(
            "the conversation is neither a list of turns nor text".into(),
        )),
    }
}

/// The text of an object that has no list.
fn text_in(value: &RawValue) -> Result<Option<String>, UnreadableReport> {
    if is_list(value) {
        return Ok(None);
    }
    let inner: RawFields<'_> = part(value)?;
    if LISTS.iter().any(|name| inner.contains_key(*name)) {
        return Ok(None);
    }
    let text = TEXTS.iter().find_map(|name| inner.get(*name));
    let text = text.filter(|text| text.get().starts_with('"'));
    text.map(|text| part(text)).transpose()
}

fn list_in(value: &RawValue, each: &mut dyn FnMut(&Value, Item)) -> Result<(), UnreadableReport> {
    if is_list(value) {
        return turns(value, each);
    }
    let inner: RawFields<'_> = part(value)?;
    match LISTS.iter().find_map(|name| inner.get(*name)) {
        Some(nested) if is_list(nested) => turns(nested, each),
        _ => Err(UnreadableReport(
            "the conversation is an object without an `items` or `turns` list".into(),
        )),
    }
}

/// A conversation that was serialized twice: the text is JSON, and there are turns in it.
fn nested(text: &str) -> Option<Box<RawValue>> {
    if !text.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let inner: Box<RawValue> = serde_json::from_str(text).ok()?;
    let mut count = 0;
    list_in(&inner, &mut |_, item| {
        count += usize::from(matches!(item, Item::Turn(_)))
    })
    .ok()?;
    (count > 0).then_some(inner)
}

fn turns(list: &RawValue, each: &mut dyn FnMut(&Value, Item)) -> Result<(), UnreadableReport> {
    let mut count = 0;
    items(list, |value| {
        let item = item(value);
        count += usize::from(matches!(item, Item::Turn(_)));
        if count <= MOST_TURNS {
            each(value, item);
        }
    })?;
    match count <= MOST_TURNS {
        true => Ok(()),
        false => Err(UnreadableReport(format!(
            "the conversation has {count} turns; at most {MOST_TURNS} are accepted"
        ))),
    }
}
