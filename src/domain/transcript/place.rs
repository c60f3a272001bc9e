//! Finds the conversation in a body.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{
    conversation::{conversation, is_turn},
    events::are_of_session,
    parts::{RawFields, UnreadableReport, fields, has_items, is_list},
    turn::Item,
};

/// Fields with the conversation, in order of preference. They are never kept as fields of the report.
pub const PLACES: [&str; 7] = [
    "chat_history",
    "history",
    "transcript",
    "turns",
    "items",
    "messages",
    "chatHistory",
];
/// Further fields, if none of those has it.
const MORE_PLACES: [&str; 19] = [
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
    "entries",
    "event_logs",
    "events_page",
    "sentences",
    "Transcript",
    "Segments",
    "Messages",
    "Turns",
    "Conversation",
];
/// Fields that may wrap the object with the conversation, as in the webhooks of Vapi, Retell and ElevenLabs.
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
/// Fields that the service itself reads.
pub(super) const IMPORTANT: [&str; 14] = [
    "room_id",
    "roomId",
    "room_sid",
    "room",
    "room_name",
    "roomName",
    "timestamp",
    "job_id",
    "jobId",
    "job",
    "close_reason",
    "summary",
    "metadata",
    "job_metadata",
];
/// The maximum depth of wrappers.
const DEEPEST: u8 = 3;

/// A body, split into its parts.
pub(super) struct Placed<'a> {
    pub conversation: &'a RawValue,
    /// The other fields, the inner ones last.
    pub fields: Vec<(String, &'a RawValue)>,
    /// The list of events that goes with the conversation.
    pub events: Option<&'a RawValue>,
}

/// A wrapper's name, and what it contains.
type Wrapped<'a> = (&'static str, Placed<'a>);

impl<'a> Placed<'a> {
    fn new(conversation: &'a RawValue) -> Placed<'a> {
        Placed {
            conversation,
            fields: Vec::new(),
            events: None,
        }
    }
}

/// The conversation, and the other fields of an object.
pub(super) fn place(body: &RawValue) -> Result<Placed<'_>, UnreadableReport> {
    if !body.get().starts_with('{') {
        return Ok(Placed::new(body));
    }
    if let Some(placed) = within(body, 0)? {
        return Ok(placed);
    }
    if is_turn(body) {
        let fields = fields(body, is_wanted)?.into_iter().collect();
        return Ok(Placed {
            fields,
            ..Placed::new(body)
        });
    }
    Err(
        UnreadableReport(
            "the body contains no conversation: send the session report, or one of `chat_history`, `history`, `transcript`, `turns`, `items`, `messages`"
                .into(),
        )
    )
}

/// Whether the field may have the conversation.
fn is_wanted(name: &str) -> bool {
    let lists: [&[&str]; 4] = [&PLACES, &MORE_PLACES, &WRAPPERS, &IMPORTANT];
    name == "events" || lists.iter().any(|names| names.contains(&name))
}

fn within(body: &RawValue, depth: u8) -> Result<Option<Placed<'_>>, UnreadableReport> {
    let mut fields = fields(body, is_wanted)?;
    let events = fields.remove("events");
    let own = best(&fields);
    // Rasa's conversations are lists of events.
    let spoken = events.filter(|events| is_list(events) && has_speakers(events));
    let spoken = spoken.filter(|events| own.is_none() && !are_of_session(events));
    let (own, events) = match spoken {
        Some(events) => (Some(("events", events)), None),
        None => (own, events),
    };
    let wrapped = match own {
        Some((_, conversation)) if has_wrapper(&fields) && !has_words(conversation) => {
            // An unreadable wrapper must not hide the reason why the conversation itself cannot be read.
            wrapped(&fields, depth).unwrap_or_default()
        }
        Some(_) => None,
        None => wrapped(&fields, depth)?,
    };
    let events = events.filter(|events| is_list(events) || own.is_some());
    let has_events = |events: Option<&RawValue>| events.is_some_and(has_items);
    let (name, mut placed) = match (own, wrapped) {
        (_, Some((name, placed))) if has_words(placed.conversation) => (name, placed),
        (None, Some((name, placed))) if !has_events(events) => (name, placed),
        (Some((name, conversation)), _) => (name, Placed::new(conversation)),
        (None, _) if events.is_some() => ("events", Placed::new(nothing()?)),
        (None, _) => return Ok(None),
    };
    if !has_events(placed.events) {
        placed.events = events.or(placed.events);
    }
    fields.remove(name);
    fields.retain(|name, _| !PLACES.contains(&name.as_str()));
    let inner = std::mem::take(&mut placed.fields);
    placed.fields = fields.into_iter().chain(inner).collect();
    Ok(Some(placed))
}

/// The conversation in the first wrapper that has one, with the wrapper's name.
fn wrapped<'a>(fields: &RawFields<'a>, depth: u8) -> Result<Option<Wrapped<'a>>, UnreadableReport> {
    for name in WRAPPERS.iter().filter(|_| depth < DEEPEST) {
        let Some(wrapper) = fields.get(*name).filter(|value| is_object(value)) else {
            continue;
        };
        if let Some(placed) = within(wrapper, depth + 1)? {
            return Ok(Some((name, placed)));
        }
    }
    Ok(None)
}

fn has_wrapper(fields: &RawFields<'_>) -> bool {
    let wrapper = |name: &&str| fields.get(*name).is_some_and(|value| is_object(value));
    WRAPPERS.iter().any(wrapper)
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// A conversation without turns, for a report that has events only.
fn nothing() -> Result<&'static RawValue, UnreadableReport> {
    serde_json::from_str("[]").map_err(|error| UnreadableReport(error.to_string()))
}

/// The first field with words; if none has words, the first field.
fn best<'a>(fields: &BTreeMap<String, &'a RawValue>) -> Option<(&'static str, &'a RawValue)> {
    let given = |place: &&'static str| {
        let value = fields.get(*place).filter(|value| value.get() != "null")?;
        Some((*place, *value))
    };
    let known: Vec<_> = PLACES.iter().filter_map(given).collect();
    // A further field counts only if it is a list or an object: its name may mean something else.
    let holds = |(_, value): &(&str, &RawValue)| value.get().starts_with(['[', '{']);
    let more = MORE_PLACES.iter().filter_map(given).filter(holds);
    let all: Vec<_> = known.into_iter().chain(more).collect();
    match all.as_slice() {
        [] => None,
        [only] => Some(*only),
        [first, ..] => {
            // A list has the times that the same words as text lack.
            let named = all.iter().find(|(_, value)| has_speakers(value));
            let spoken = || all.iter().find(|(_, value)| has_words(value));
            Some(*named.or_else(spoken).unwrap_or(first))
        }
    }
}

/// Whether it is a list of turns, and their labels tell who speaks.
fn has_speakers(value: &RawValue) -> bool {
    let mut known = false;
    let mut look = |_: &_, item| known |= matches!(item, Item::Turn(turn) if turn.label.is_none());
    conversation(value, &mut look).is_ok_and(|text| text.is_none()) && known
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
