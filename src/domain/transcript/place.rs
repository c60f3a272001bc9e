//! Where the conversation is in a body.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    conversation::conversation,
    parts::{RawFields, UnreadableReport, is_list, part},
    turn::Item,
};

/// Where the conversation may be, in order of preference; these are never kept as fields of the report.
pub(super) const PLACES: [&str; 7] = [
    "chat_history",
    "history",
    "transcript",
    "turns",
    "items",
    "messages",
    "chatHistory",
];
/// Where it may be if it is in none of those.
const MORE_PLACES: [&str; 10] = [
    "transcripts",
    "results",
    "transcript_object",
    "conversation",
    "conversations",
    "contents",
    "utterances",
    "segments",
    "dialogue",
    "dialog",
];
/// What the object that has the conversation may be wrapped in, as in the webhooks of Vapi, Retell and ElevenLabs.
const WRAPPERS: [&str; 9] = [
    "report",
    "session_report",
    "message",
    "artifact",
    "call",
    "data",
    "payload",
    "session",
    "body",
];
/// How deeply it may be wrapped.
const DEEPEST: u8 = 3;

/// A body in its parts.
pub(super) struct Placed<'a> {
    pub conversation: &'a RawValue,
    /// The other fields, the inner ones last.
    pub fields: Vec<(String, &'a RawValue)>,
    /// The list of events that goes with the conversation.
    pub events: Option<&'a RawValue>,
}

/// The conversation, and the other fields of an object.
pub(super) fn place(body: &RawValue) -> Result<Placed<'_>, UnreadableReport> {
    if !body.get().starts_with('{') {
        return Ok(Placed {
            conversation: body,
            fields: Vec::new(),
            events: None,
        });
    }
    within(body, 0)?.ok_or_else(|| {
        UnreadableReport(
            "the body contains no conversation: send the session report, or one of `chat_history`, `history`, `transcript`, `turns`, `items`, `messages`"
                .into(),
        )
    })
}

fn within(body: &RawValue, depth: u8) -> Result<Option<Placed<'_>>, UnreadableReport> {
    let mut fields: RawFields<'_> = part(body)?;
    if let Some((name, conversation)) = best(&fields) {
        fields.remove(name);
        let events = fields.get("events").copied();
        let fields = fields.into_iter();
        let fields =
            fields.filter(|(name, _)| !PLACES.contains(&name.as_str()) && name != "events");
        return Ok(Some(Placed {
            conversation,
            fields: fields.collect(),
            events,
        }));
    }
    if let Some(events) = fields.get("events").filter(|events| is_list(events)) {
        let fields = fields.iter().filter(|(name, _)| *name != "events");
        return Ok(Some(Placed {
            conversation: nothing()?,
            fields: fields.map(|(name, value)| (name.clone(), *value)).collect(),
            events: Some(*events),
        }));
    }
    for name in WRAPPERS {
        let wrapped = fields
            .get(name)
            .filter(|value| value.get().starts_with('{'));
        let Some(wrapped) = wrapped.filter(|_| depth < DEEPEST) else {
            continue;
        };
        if let Some(mut placed) = within(wrapped, depth + 1)? {
            fields.remove(name);
            let mut all: Vec<_> = fields.into_iter().collect();
            all.append(&mut placed.fields);
            placed.fields = all;
            return Ok(Some(placed));
        }
    }
    Ok(None)
}

/// A conversation without turns, for a report that has events only.
fn nothing() -> Result<&'static RawValue, UnreadableReport> {
    serde_json::from_str("[]").map_err(|error| UnreadableReport(error.to_string()))
}

/// The first place with words; without any, the first.
fn best<'a>(fields: &BTreeMap<String, &'a RawValue>) -> Option<(&'static str, &'a RawValue)> {
    let given = |place: &&'static str| {
        let value = fields.get(*place).filter(|value| value.get() != "null")?;
        Some((*place, *value))
    };
    let known: Vec<_> = PLACES.iter().filter_map(given).collect();
    // Another place counts only if there is a list or an object: its name may mean something else.
    let holds = |(_, value): &(&str, &RawValue)| value.get().starts_with(['[', '{']);
    let more = MORE_PLACES.iter().filter_map(given).filter(holds);
    let all: Vec<_> = known.into_iter().chain(more).collect();
    match all.as_slice() {
        [] => None,
        [only] => Some(*only),
        [first, ..] => {
            let spoken = all.iter().find(|(_, value)| has_words(value));
            Some(*spoken.unwrap_or(first))
        }
    }
}

fn has_words(value: &RawValue) -> bool {
    let mut turns = 0;
    let mut count = |_: &_, item| turns += usize::from(matches!(item, Item::Turn(_)));
    match conversation(value, &mut count) {
        Ok(Some(text)) => !text.trim().is_empty(),
        Ok(None) => turns > 0,
        Err(_) => false,
    }
}
