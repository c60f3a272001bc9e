//! What agents send at the end of a session, in any of their shapes, and the words that people read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::event::Room;

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Caller,
}

/// The conversation: turns, or the plain text that an agent sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcript {
    Turns(Vec<Turn>),
    Text(String),
}

impl Default for Transcript {
    fn default() -> Self {
        Transcript::Turns(Vec::new())
    }
}

/// One report of an agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The report's own `timestamp`.
    pub at: Option<Timestamp>,
    pub transcript: Transcript,
    /// The rest of the report (usage, close_reason, a summary …), without the conversation and the events.
    pub fields: Map<String, Value>,
}

/// The newest report wins. Dated reports compare by their date, undated ones by when they came, and of the two
/// winners the one that came last: so the order of arrival in the fold does not matter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reports {
    dated: Option<(Timestamp, Report)>,
    undated: Option<(Timestamp, Report)>,
}

impl Report {
    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Reports {
    pub fn add(&mut self, report: &Report, received_at: Timestamp) {
        let slot = if report.at.is_some() {
            &mut self.dated
        } else {
            &mut self.undated
        };
        let newer = slot.as_ref().is_none_or(|(at, known)| {
            let order = (report.at, received_at).cmp(&(known.at, *at));
            // Two of one millisecond: any winner will do, if it is the same in every order.
            order.then_with(|| report.json().cmp(&known.json())).is_gt()
        });
        if newer {
            *slot = Some((received_at, report.clone()));
        }
    }

    pub fn newest(&self) -> Option<&Report> {
        let all = [&self.dated, &self.undated];
        let newest = all.into_iter().flatten().max_by_key(|(at, _)| *at);
        newest.map(|(_, report)| report)
    }
}

/// What was sent is no transcript; the text says why, for the agent's developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Where the conversation may be in a body, in the order of preference.
const PLACES: [&str; 6] = [
    "chat_history",
    "history",
    "transcript",
    "turns",
    "items",
    "messages",
];

/// Reads what an agent sent: the session report, `history.to_dict()`, an array of turns, a string,
/// `{"turns": [{"speaker", "text", "timestamp"}]}`, or OpenAI's `{"messages": [{"role", "content"}]}`
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
pub fn read(body: &Value) -> Result<(Room, Report), Unreadable> {
    let Value::Object(fields) = body else {
        let transcript = conversation(body)?;
        let report = Report {
            transcript,
            ..Report::default()
        };
        return Ok((Room::default(), report));
    };
    let place = PLACES
        .iter()
        .find(|place| fields.get(**place).is_some_and(|v| !v.is_null()));
    let camel = fields.get("chatHistory").filter(|v| !v.is_null());
    let found = place.and_then(|place| fields.get(*place)).or(camel);
    let Some(found) = found else {
        return Err(Unreadable(
            "no conversation in it: send the session report, or one of `chat_history`, `history`, `transcript`, `turns`, `items`, `messages`"
                .into(),
        ));
    };
    let report = Report {
        at: fields.get("timestamp").and_then(timestamp),
        transcript: conversation(found)?,
        fields: rest(fields),
    };
    Ok((room(fields), report))
}

fn rest(fields: &Map<String, Value>) -> Map<String, Value> {
    let dropped = |name: &str| PLACES.contains(&name) || matches!(name, "events" | "chatHistory");
    let kept = fields.iter().filter(|(name, _)| !dropped(name));
    let mut kept: Map<_, _> = kept
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // Agents in JavaScript tell it among their events only.
    if let Some(reason) = fields.get("events").and_then(close_reason) {
        kept.entry("close_reason").or_insert(reason);
    }
    kept
}

fn close_reason(events: &Value) -> Option<Value> {
    let mut events = events.as_array()?.iter().rev();
    let close = events.find(|event| event["type"] == "close")?;
    close
        .get("reason")
        .filter(|reason| reason.is_string())
        .cloned()
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

fn conversation(value: &Value) -> Result<Transcript, Unreadable> {
    match value {
        Value::String(text) => Ok(Transcript::Text(text.clone())),
        Value::Array(items) => Ok(Transcript::Turns(items.iter().filter_map(turn).collect())),
        Value::Object(inner) => {
            let nested = ["items", "turns", "messages"]
                .iter()
                .find_map(|name| inner.get(*name));
            match nested {
                Some(nested @ Value::Array(_)) => conversation(nested),
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

impl Transcript {
    /// How many turns; a plain text counts as one.
    pub fn len(&self) -> usize {
        match self {
            Transcript::Turns(turns) => turns.len(),
            Transcript::Text(text) => usize::from(!text.is_empty()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text cut at a turn so that it and `note`, a line of its own, fit into `limit` UTF-16 units; `None` when it
    /// fits as it is. A turn that would take more than half of the text with it is cut inside.
    pub fn cut(&self, limit: usize, note: &str) -> Option<String> {
        match self {
            Transcript::Turns(turns) => {
                let lines: Vec<String> = turns.iter().map(line).collect();
                cut_lines(&lines, limit, note)
            }
            Transcript::Text(text) => cut(text, limit, note),
        }
    }

    /// A line per turn, as the row shows it.
    pub fn text(&self) -> String {
        match self {
            Transcript::Turns(turns) => turns.iter().map(line).collect::<Vec<_>>().join("\n"),
            Transcript::Text(text) => text.clone(),
        }
    }
}

fn line(turn: &Turn) -> String {
    let speaker = match turn.speaker {
        Speaker::Agent => "Agent",
        Speaker::Caller => "Caller",
    };
    let mark = if turn.interrupted {
        " [interrupted]"
    } else {
        ""
    };
    format!("{speaker}: {}{mark}", turn.text)
}

/// The text cut at the end of a line, as [`Transcript::cut`] does it.
pub fn cut(text: &str, limit: usize, note: &str) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    cut_lines(&lines, limit, note)
}

fn cut_lines(lines: &[impl AsRef<str>], limit: usize, note: &str) -> Option<String> {
    let lines = lines.iter().map(AsRef::as_ref);
    let whole: usize = lines.clone().map(|line| units(line) + 1).sum();
    if whole <= limit + 1 {
        return None;
    }
    let room = limit.saturating_sub(units(note) + 1);
    let (mut kept, mut used): (Vec<&str>, usize) = (Vec::new(), 0);
    for line in lines {
        if used + units(line) > room {
            if used < room / 2 {
                kept.push(cut_line(line, room - used));
            }
            break;
        }
        used += units(line) + 1;
        kept.push(line);
    }
    kept.push(note);
    Some(kept.join("\n"))
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The beginning of a line in at most `room` UTF-16 units, up to a space if there is one near; never between a letter
/// and the marks that belong to it.
fn cut_line(line: &str, room: usize) -> &str {
    const NEAR: usize = 1000;
    let (mut used, mut end, mut space) = (0, 0, None);
    for (at, letter) in line.grapheme_indices(true) {
        used += units(letter);
        if used > room {
            break;
        }
        if letter == " " {
            space = Some(at);
        }
        end = at + letter.len();
    }
    let near = space.filter(|space| end - space < NEAR);
    &line[..near.unwrap_or(end)]
}
