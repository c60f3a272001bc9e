//! What agents send at the end of a session, in any of their shapes.

use serde_json::{Map, Value, value::RawValue};

use super::{
    conversation::conversation,
    parts::{RawFields, UnreadableReport, is_list, items, part},
    report::{Report, Transcript},
    turn::timestamp,
};
use crate::domain::room::Room;

/// Where the conversation may be in a body, in order of preference.
const PLACES: [&str; 7] = [
    "chat_history",
    "history",
    "transcript",
    "turns",
    "items",
    "messages",
    "chatHistory",
];

/// What a body is about, without its conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub room: Room,
    /// Plain text counts as one.
    pub turns: usize,
}

/// Parses an agent's report: the session report, `history.to_dict()`, an array of turns, a string, `{"turns":
/// [{"speaker", "text", "timestamp"}]}`, or OpenAI's `{"messages": [{"role", "content"}]}`
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
pub fn read(body: &RawValue) -> Result<(Room, Report), UnreadableReport> {
    let (found, fields) = split(body)?;
    let mut turns = Vec::new();
    let text = conversation(found, &mut |turn| turns.push(turn))?;
    turns.shrink_to_fit();
    let report = Report {
        at: fields.get("timestamp").and_then(timestamp),
        transcript: text.map_or(Transcript::Turns(turns), Transcript::Text),
        fields,
    };
    Ok((room(&report.fields), report))
}

/// Checks whether [`read`] can parse it; keeps nothing of it in memory.
pub fn outline(body: &RawValue) -> Result<Outline, UnreadableReport> {
    let (found, fields) = split(body)?;
    let mut turns = 0;
    let text = conversation(found, &mut |_| turns += 1)?;
    Ok(Outline {
        room: room(&fields),
        turns: text.map_or(turns, |text| usize::from(!text.is_empty())),
    })
}

/// The conversation, and the other fields of an object.
fn split(body: &RawValue) -> Result<(&RawValue, Map<String, Value>), UnreadableReport> {
    if !body.get().starts_with('{') {
        return Ok((body, Map::new()));
    }
    let fields: RawFields<'_> = part(body)?;
    let given = |place: &&str| fields.get(*place).filter(|found| found.get() != "null");
    match PLACES.iter().find_map(given) {
        Some(found) => Ok((*found, rest(&fields)?)),
        None => Err(UnreadableReport(
            "the body contains no conversation: send the session report, or one of `chat_history`, `history`, `transcript`, `turns`, `items`, `messages`"
                .into(),
        )),
    }
}

/// Everything except the conversation and the events.
fn rest(fields: &RawFields<'_>) -> Result<Map<String, Value>, UnreadableReport> {
    let mut kept = Map::new();
    for (name, value) in fields {
        if !PLACES.contains(&name.as_str()) && name != "events" {
            kept.insert(name.clone(), part(value)?);
        }
    }
    // Agents in JavaScript report the close reason only as an event.
    if let Some(events) = fields.get("events").filter(|events| is_list(events)) {
        let mut reason = Value::Null;
        items(events, |event| {
            if event["type"] == "close" {
                reason = event["reason"].clone();
            }
        })?;
        if reason.is_string() {
            kept.entry("close_reason").or_insert(reason);
        }
    }
    Ok(kept)
}

/// `room_id` is used as the room's sid if it looks like one (agents also put their job's ID there). Without NUL, which
/// PostgreSQL rejects in text.
fn room(fields: &Map<String, Value>) -> Room {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let sid = [text("room_id"), text("roomId"), text("room_sid")];
    let name = [text("room"), text("room_name"), text("roomName")];
    let first = |texts: [&str; 3]| {
        let first = texts.into_iter().find(|text| !text.is_empty());
        first.map(|text| text.replace('\0', ""))
    };
    Room {
        sid: first(sid)
            .filter(|sid| sid.starts_with("RM_"))
            .unwrap_or_default()
            .into(),
        name: first(name).unwrap_or_default().into(),
        ..Room::default()
    }
}
