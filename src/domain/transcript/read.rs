//! What agents send at the end of a session, in any of their shapes. A body may have 16 MiB, and taken apart into JSON's
//! values it would be twenty times as large: so only one turn is ever such a value.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{Report, Speaker, Transcript, Turn};
use crate::domain::event::Room;

/// More are no conversation: each takes about a hundred bytes of memory, however short it is.
const MOST_TURNS: usize = 250_000;

/// What was sent is no transcript; the text says why, for the agent's developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// An object whose values are not taken apart yet.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Where the conversation may be in a body, in the order of preference.
const PLACES: [&str; 7] = [
    "chat_history",
    "history",
    "transcript",
    "turns",
    "items",
    "messages",
    "chatHistory",
];

/// What a body is about, without the conversation itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub room: Room,
    /// A plain text counts as one.
    pub turns: usize,
}

/// Reads what an agent sent: the session report, `history.to_dict()`, an array of turns, a string,
/// `{"turns": [{"speaker", "text", "timestamp"}]}`, or OpenAI's `{"messages": [{"role", "content"}]}`
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
pub fn read(body: &RawValue) -> Result<(Room, Report), Unreadable> {
    let (found, fields) = take_apart(body)?;
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

/// Whether [`read`] can read it; keeps nothing of what it says.
pub fn outline(body: &RawValue) -> Result<Outline, Unreadable> {
    let (found, fields) = take_apart(body)?;
    let mut turns = 0;
    let text = conversation(found, &mut |_| turns += 1)?;
    Ok(Outline {
        room: room(&fields),
        turns: text.map_or(turns, |text| usize::from(!text.is_empty())),
    })
}

/// The conversation, and what else an object has.
fn take_apart(body: &RawValue) -> Result<(&RawValue, Map<String, Value>), Unreadable> {
    if !body.get().starts_with('{') {
        return Ok((body, Map::new()));
    }
    let fields: Fields<'_> = part(body)?;
    let given = |place: &&str| fields.get(*place).filter(|found| found.get() != "null");
    match PLACES.iter().find_map(given) {
        Some(found) => Ok((*found, rest(&fields)?)),
        None => Err(Unreadable(
            "no conversation in it: send the session report, or one of `chat_history`, `history`, `transcript`, `turns`, `items`, `messages`"
                .into(),
        )),
    }
}

/// A part of a body, taken apart.
fn part<'a, T: Deserialize<'a>>(body: &'a RawValue) -> Result<T, Unreadable> {
    serde_json::from_str(body.get()).map_err(wrong)
}

/// Shows each item of a list, and keeps none.
fn items(list: &RawValue, each: impl FnMut(&Value)) -> Result<(), Unreadable> {
    let mut list = serde_json::Deserializer::from_str(list.get());
    list.deserialize_seq(Each(each)).map_err(wrong)
}

/// Told without the place, which would be counted from the beginning of a part.
fn wrong(error: serde_json::Error) -> Unreadable {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let why = error.to_string();
    let why = why.trim_end_matches(&place);
    Unreadable(format!("the body cannot be read: {why}"))
}

/// All but the conversation and the events.
fn rest(fields: &Fields<'_>) -> Result<Map<String, Value>, Unreadable> {
    let mut kept = Map::new();
    for (name, value) in fields {
        if !PLACES.contains(&name.as_str()) && name != "events" {
            kept.insert(name.clone(), part(value)?);
        }
    }
    // Agents in JavaScript tell it among their events only.
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

fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}

/// `room_id` is the room's sid where it looks like one (agents also put their job's id there). Without NUL, which
/// PostgreSQL takes in no text.
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
            .unwrap_or_default(),
        name: first(name).unwrap_or_default(),
        ..Room::default()
    }
}

/// Shows each turn; the text, if it is a plain one.
fn conversation(
    value: &RawValue,
    each: &mut dyn FnMut(Turn),
) -> Result<Option<String>, Unreadable> {
    match value.get().as_bytes().first() {
        Some(b'"') => part(value).map(Some),
        Some(b'[') => turns(value, each).map(|()| None),
        Some(b'{') => {
            let inner: Fields<'_> = part(value)?;
            let nested = ["items", "turns", "messages"];
            let nested = nested.iter().find_map(|name| inner.get(*name));
            match nested {
                Some(nested) if is_list(nested) => turns(nested, each).map(|()| None),
                _ => Err(Unreadable(
                    "the conversation is an object without a list of `items` or `turns`".into(),
                )),
            }
        }
        _ => Err(Unreadable(
            "the conversation is neither a list of turns nor a text".into(),
        )),
    }
}

fn turns(list: &RawValue, each: &mut dyn FnMut(Turn)) -> Result<(), Unreadable> {
    let mut count = 0;
    items(list, |item| {
        if let Some(turn) = turn(item) {
            count += 1;
            if count <= MOST_TURNS {
                each(turn);
            }
        }
    })?;
    match count <= MOST_TURNS {
        true => Ok(()),
        false => Err(Unreadable(format!(
            "the conversation has {count} turns, and at most {MOST_TURNS} are taken"
        ))),
    }
}

/// What is done with each item of a list.
struct Each<F>(F);

impl<'de, F: FnMut(&Value)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            self.0(&item);
        }
        Ok(())
    }
}

/// A turn, if the item is one: function calls, handoffs and the system prompt are not.
fn turn(item: &Value) -> Option<Turn> {
    if let Value::String(text) = item {
        return Some(Turn {
            speaker: Speaker::Caller,
            text: text.clone(),
            interrupted: false,
            at: None,
        });
    }
    let kind = item.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "message") {
        return None;
    }
    let role = ["role", "speaker"]
        .iter()
        .find_map(|name| item.get(*name))?;
    let text = ["content", "text", "message"]
        .iter()
        .find_map(|name| item.get(*name));
    let at = ["created_at", "createdAt", "timestamp"];
    Some(Turn {
        speaker: speaker(role.as_str()?)?,
        text: text.map(words).filter(|text| !text.is_empty())?,
        interrupted: item.get("interrupted") == Some(&Value::Bool(true)),
        at: at.iter().find_map(|name| timestamp(item.get(*name)?)),
    })
}

fn speaker(role: &str) -> Option<Speaker> {
    match role.to_ascii_lowercase().as_str() {
        "assistant" | "agent" => Some(Speaker::Agent),
        "user" | "caller" => Some(Speaker::Caller),
        _ => None,
    }
}

/// The words of a message's content: strings, and the transcripts of audio parts; images are left out.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(parts) => {
            let texts = parts.iter().map(words).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join(" ")
        }
        Value::Object(part) => {
            let text = part.get("text").or_else(|| part.get("transcript"));
            text.map(words).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Seconds (Python) or milliseconds (JS: above 1e11) since the epoch, or RFC 3339.
fn timestamp(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    let number = value.as_f64().filter(|number| *number > 0.0)?;
    let millis = if number > 1e11 {
        number
    } else {
        number * 1000.0
    };
    Timestamp::from_millisecond(millis as i64).ok()
}
