//! What agents send at the end of a session, in any of their shapes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, value::RawValue};

use super::{
    bounded::Budget,
    conversation::conversation,
    events::{InConversation, appended, inserted},
    facts::ReportFacts,
    measures::Measures,
    origin::ReportOrigin,
    parts::{UnreadableReport, is_list, items},
    place::{IMPORTANT, Placed, place},
    report::{Report, Transcript, Turn, dated, job},
    roles::Roles,
    time::timestamp,
    turn::Item,
};
use crate::domain::{
    id_rules::{as_id, is_id},
    room::Room,
};

/// The maximum number of labels that an outline counts separately.
const MOST_LABELS: usize = 50;
/// The maximum size of the fields beside the conversation, in bytes of JSON; of one of them, a quarter.
const MOST_BYTES: usize = 1 << 20;
/// The maximum number of values in them.
const MOST_VALUES: usize = 20_000;

/// What a body is about, without its conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outline {
    pub room: Room,
    /// Plain text counts as one.
    pub turns: usize,
    /// The number of turns by label, for labels that only the call's participants can resolve.
    pub labels: BTreeMap<Box<str>, usize>,
    /// The number of items with words but without a speaker.
    pub unknown: usize,
    /// The number of items with texts, but without a field for words.
    pub wordless: usize,
    /// The report's own `timestamp`.
    pub at: Option<Timestamp>,
    /// The ID of the agent's job; empty if the report has none.
    pub job: String,
    /// Whether [`read`] finds words.
    pub has_words: bool,
}

impl Outline {
    /// What the report is about; `received_at`: when it arrived.
    pub fn facts(&self, received_at: Timestamp) -> ReportFacts {
        ReportFacts {
            dated: dated(self.at, received_at),
            job: as_id(self.job.clone()),
            has_words: self.has_words,
            refused_words: None,
            origin: ReportOrigin::default(),
        }
    }
}

/// Parses an agent's report: the session report, `history.to_dict()`, an array of turns, a string, `{"turns":
/// [{"speaker", "text", "timestamp"}]}`, OpenAI's `{"messages": [{"role", "content"}]}`
/// (<https://platform.openai.com/docs/api-reference/chat/create>), or the formats of other frameworks.
pub fn read(body: &RawValue) -> Result<(Room, Report), UnreadableReport> {
    let placed = place(body)?;
    let (mut turns, mut lost) = (Vec::new(), Vec::new());
    let mut measures = Measures::default();
    let mut keep = |found| match found {
        Found::Turn(turn) => turns.push(turn),
        Found::Lost(turn) => lost.push(turn),
        Found::Unknown | Found::Wordless => {}
    };
    let mut measure = |value: &Value, item: &Item| measures.add_item(value, item);
    let text = each_turn(&placed, &mut measure, &mut keep)?;
    let transcript = match text {
        Some(text) => Transcript::Text(appended(text, lost)),
        None => {
            let mut turns = inserted(turns, lost);
            turns.shrink_to_fit();
            Transcript::Turns(turns)
        }
    };
    let fields = fields(&placed, &mut |event| measures.add_event(event))?;
    let report = Report {
        at: fields.get("timestamp").and_then(timestamp),
        transcript,
        fields,
        measures,
        origin: ReportOrigin::default(),
    };
    Ok((room(&report.fields), report))
}

/// Checks whether [`read`] can parse it; keeps nothing of its words in memory.
pub fn outline(body: &RawValue) -> Result<Outline, UnreadableReport> {
    let placed = place(body)?;
    let (mut outline, mut has_turns) = (Outline::default(), false);
    let text = each_turn(&placed, &mut |_, _| {}, &mut |found| {
        has_turns |= matches!(found, Found::Turn(_) | Found::Lost(_));
        count(&mut outline, found);
    })?;
    if let Some(text) = text {
        outline.turns = usize::from(!text.trim().is_empty() || outline.turns > 0);
        has_turns = outline.turns > 0;
    }
    let fields = fields(&placed, &mut |_| {})?;
    outline.has_words = has_turns;
    outline.at = fields.get("timestamp").and_then(timestamp);
    outline.job = job(&fields).to_owned();
    outline.room = room(&fields);
    Ok(outline)
}

fn count(outline: &mut Outline, found: Found) {
    match found {
        Found::Turn(Turn {
            label: Some(label),
            words_at: None,
            ..
        }) => {
            let is_known = outline.labels.contains_key(&label);
            match is_known || outline.labels.len() < MOST_LABELS {
                true => *outline.labels.entry(label).or_default() += 1,
                false => outline.unknown += 1,
            }
        }
        Found::Turn(_) | Found::Lost(_) => outline.turns += 1,
        Found::Unknown => outline.unknown += 1,
        Found::Wordless => outline.wordless += 1,
    }
}

enum Found {
    Turn(Turn),
    /// A turn that only the events have.
    Lost(Turn),
    Unknown,
    Wordless,
}

/// Calls `each` with every turn, and `measure` with every item of the conversation. Returns the text if the conversation is
/// plain text.
fn each_turn(
    placed: &Placed<'_>,
    measure: &mut dyn FnMut(&Value, &Item),
    each: &mut dyn FnMut(Found),
) -> Result<Option<String>, UnreadableReport> {
    let events = placed.events.filter(|events| is_list(events));
    let mut known = events.map(|_| InConversation::default());
    let roles = Roles::of(&placed.fields);
    let text = conversation(placed.conversation, &mut |value, item| {
        let item = roles.resolve(item);
        measure(value, &item);
        if let Some(known) = &mut known {
            known.add(value, &item);
        }
        match item {
            Item::Turn(turn) => each(Found::Turn(turn)),
            Item::Unknown => each(Found::Unknown),
            Item::Wordless => each(Found::Wordless),
            Item::Silent => {}
        }
    })?;
    if let (Some(events), Some(mut known)) = (events, known) {
        if let Some(text) = &text {
            known.add_text(text);
        }
        known.lost(events, &mut |turn| each(Found::Lost(turn)))?;
    }
    Ok(text)
}

/// Everything except the conversation and the events, as far as its size is limited. Calls `each` with every event.
fn fields(
    placed: &Placed<'_>,
    each: &mut dyn FnMut(&Value),
) -> Result<Map<String, Value>, UnreadableReport> {
    let mut kept = Map::new();
    let budget = Budget::new(MOST_VALUES);
    let mut bytes = MOST_BYTES;
    let (important, others): (Vec<_>, Vec<_>) = placed
        .fields
        .iter()
        .partition(|(name, _)| IMPORTANT.contains(&name.as_str()));
    for (name, value) in important.into_iter().chain(others) {
        if let Some(job) = invalid_job(name, value) {
            kept.entry(name.clone()).or_insert(Value::String(job));
            continue;
        }
        let size = name.len() + value.get().len();
        if !kept.contains_key(name) && size <= bytes.min(MOST_BYTES / 4) {
            bytes -= size;
            // A field that cannot be parsed is left out.
            let value = budget.value(value).unwrap_or_default();
            kept.insert(name.clone(), value);
        }
    }
    // Agents in JavaScript report the close reason only as an event.
    if let Some(events) = placed.events.filter(|events| is_list(events)) {
        let mut reason = Value::Null;
        items(events, |_, event| {
            each(event);
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

/// The ID that stands for a job's, if that is none that LiveKit gives.
fn invalid_job(name: &str, value: &RawValue) -> Option<String> {
    let id: String = match name {
        "job_id" | "jobId" => serde_json::from_str(value.get()).ok()?,
        _ => return None,
    };
    (!id.is_empty() && !is_id(&id)).then(|| as_id(id))
}

/// `room_id` is used as the room's sid if it looks like one (agents also put their job's ID there). Without NUL, which
/// PostgreSQL rejects in text.
fn room(fields: &Map<String, Value>) -> Room {
    let inner = |name: &str| fields.get("room")?.get(name)?.as_str();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let sid = [
        text("room_id"),
        text("roomId"),
        text("room_sid"),
        inner("sid").unwrap_or_default(),
    ];
    let name = [
        text("room"),
        text("room_name"),
        text("roomName"),
        inner("name").unwrap_or_default(),
    ];
    let first = |texts: &[&str]| {
        let first = texts.iter().find(|text| !text.is_empty());
        first.map(|text| text.replace('\0', ""))
    };
    let name = first(&name).unwrap_or_default();
    let sid = first(&sid).filter(|sid| sid.starts_with("RM_"));
    Room {
        // One that cannot be a room's gives way to a name.
        sid: sid
            .filter(|sid| name.is_empty() || is_id(sid))
            .unwrap_or_default()
            .into(),
        name: name.into(),
        ..Room::default()
    }
}
