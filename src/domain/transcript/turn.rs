//! One item of a conversation, in the shapes of LiveKit's agents, OpenAI, Gemini, LangChain, Vapi, Retell, ElevenLabs and
//! plain texts.

use serde_json::{Map, Value};

use super::{
    label::{Label, by_identity, label},
    markup::spoken,
    report::{Speaker, Turn},
    time::{Moment, clock, moment},
    words::words,
};

/// What an item of a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Turn(Turn),
    /// No turn: the system prompt, a tool call, a handoff, a message without words.
    Silent,
    /// It has words, but nothing tells who speaks.
    Unknown,
}

const SPEAKERS: [&str; 13] = [
    "role",
    "speaker",
    "sender",
    "from",
    "author",
    "participant_identity",
    "participantIdentity",
    "identity",
    "participant",
    "speaker_label",
    "speaker_id",
    "name",
    "type",
];
const IDENTITIES: [&str; 3] = ["participant_identity", "participantIdentity", "identity"];
const TIMES: [&str; 16] = [
    "created_at",
    "createdAt",
    "timestamp",
    "time",
    "at",
    "started_at",
    "startedAt",
    "start_time",
    "startTime",
    "start",
    "secondsFromStart",
    "seconds_from_start",
    "time_in_call_secs",
    "start_secs",
    "offset",
    "offset_seconds",
];
const ENDS: [&str; 8] = [
    "ended_at",
    "endedAt",
    "stopped_at",
    "end_time",
    "endTime",
    "end",
    "end_secs",
    "stopped_speaking_at",
];
/// What an item may be wrapped in: the agents SDK's events, ChatGPT's exports, Hume's messages.
const WRAPPERS: [&str; 3] = ["item", "message", "data"];
/// Beginnings of types of items that nobody says.
const SILENT_TYPES: [&str; 10] = [
    "function",
    "tool",
    "agent_handoff",
    "agentHandoff",
    "agent_config",
    "agentConfig",
    "handoff",
    "reasoning",
    "system",
    "instruction",
];

/// Reads an item; function calls, handoffs and the system prompt are silent.
pub(super) fn item(item: &Value) -> Item {
    match item {
        Value::String(text) => labelled(text),
        Value::Object(fields) => of_fields(fields, false),
        _ => Item::Unknown,
    }
}

fn of_fields(fields: &Map<String, Value>, wrapped: bool) -> Item {
    let kind = fields
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let interim = ["is_final", "isFinal", "final"];
    let interim = interim
        .iter()
        .any(|name| fields.get(*name) == Some(&Value::Bool(false)));
    if interim || SILENT_TYPES.iter().any(|silent| kind.starts_with(silent)) {
        return Item::Silent;
    }
    let named = speaker(fields);
    if named.is_none() && !wrapped {
        let inner = WRAPPERS
            .iter()
            .find_map(|name| fields.get(*name)?.as_object());
        if let Some(inner) = inner {
            return of_fields(inner, true);
        }
    }
    let text = words(fields);
    match named {
        _ if text.is_empty() => Item::Silent,
        None => Item::Unknown,
        Some((Label::Silent, _)) => Item::Silent,
        Some((Label::Speaker(speaker), _)) => Item::Turn(turn(Turn::new(speaker, text), fields)),
        Some((Label::Unknown, name)) => {
            let mut turn = turn(Turn::new(Speaker::Caller, text), fields);
            turn.label = Some(name.into());
            Item::Turn(turn)
        }
    }
    .spoken()
}

impl Item {
    /// Without what is for the agent's voice only.
    fn spoken(self) -> Item {
        match self {
            Item::Turn(mut turn) if turn.label.is_none() && turn.speaker == Speaker::Agent => {
                turn.text = spoken(&turn.text).into_owned();
                match turn.text.is_empty() {
                    true => Item::Silent,
                    false => Item::Turn(turn),
                }
            }
            item => item,
        }
    }
}

/// The first name that is known, else an identity, else the first.
fn speaker(fields: &Map<String, Value>) -> Option<(Label, &str)> {
    let mut unknown: Option<(Label, &str)> = None;
    for place in SPEAKERS {
        let named = match fields.get(place) {
            Some(Value::String(name)) => name.as_str(),
            Some(Value::Object(author)) => {
                let names = ["role", "identity", "name", "type"];
                let mut names = names.iter().filter_map(|name| author.get(*name)?.as_str());
                names.next().unwrap_or_default()
            }
            _ => continue,
        };
        let label = label(named);
        if label != Label::Unknown {
            return Some((label, named));
        }
        // A type says what an item is, not who speaks.
        if !named.is_empty()
            && place != "type"
            && (unknown.is_none() || IDENTITIES.contains(&place))
        {
            unknown = Some((label, named));
        }
    }
    unknown
}

/// The turn with its times.
fn turn(mut turn: Turn, fields: &Map<String, Value>) -> Turn {
    let no_metrics = Map::new();
    let metrics = fields
        .get("metrics")
        .and_then(Value::as_object)
        .unwrap_or(&no_metrics);
    let time = |fields: &Map<String, Value>, names: &[&str]| {
        names.iter().find_map(|name| moment(fields.get(*name)?))
    };
    // A caller's `created_at` is when the turn was committed, after the words.
    let spoken_at = time(metrics, &["started_speaking_at", "startedSpeakingAt"]);
    let spoken_at = spoken_at.filter(|moment| matches!(moment, Moment::At(_)));
    let begin = spoken_at.or_else(|| time(fields, &TIMES));
    let end = time(metrics, &["stopped_speaking_at", "stoppedSpeakingAt"])
        .or_else(|| time(fields, &ENDS));
    match begin {
        Some(Moment::At(at)) => turn.at = Some(at),
        Some(Moment::Offset(offset)) => turn.offset_ms = Some(offset),
        None => {}
    }
    turn.length_ms = begin.zip(end).and_then(|(begin, end)| length(begin, end));
    let interrupted = ["interrupted", "was_interrupted", "wasInterrupted"];
    turn.interrupted = interrupted
        .iter()
        .any(|name| fields.get(*name) == Some(&Value::Bool(true)));
    turn
}

/// Milliseconds from one to the other, if both are of one sort.
fn length(begin: Moment, end: Moment) -> Option<i64> {
    let length = match (begin, end) {
        (Moment::At(begin), Moment::At(end)) => end.as_millisecond() - begin.as_millisecond(),
        (Moment::Offset(begin), Moment::Offset(end)) => end - begin,
        _ => return None,
    };
    Some(length).filter(|length| *length > 0)
}

/// `Agent: Hi`, also behind a clock in brackets; a text without a known label is the caller's.
fn labelled(text: &str) -> Item {
    const MARK: &str = "[interrupted]";
    let text = text.trim();
    let (offset, rest) = clocked(text);
    let mut turn = match rest.split_once([':', '：']) {
        Some((name, words)) => match label(name) {
            Label::Silent if name.len() <= 30 => return Item::Silent,
            Label::Speaker(speaker) if name.len() <= 30 => {
                // The asterisks of `**Agent:** Hi`.
                Turn::new(speaker, words.trim_start_matches('*').trim())
            }
            _ => match by_identity(name.trim()) {
                Some(speaker) => Turn {
                    label: Some(name.trim().into()),
                    ..Turn::new(speaker, words.trim())
                },
                None => Turn::new(Speaker::Caller, text),
            },
        },
        None => Turn::new(Speaker::Caller, text),
    };
    if let Some(words) = turn.text.strip_suffix(MARK) {
        turn.text = words.trim_end().to_owned();
        turn.interrupted = true;
    }
    turn.offset_ms = offset;
    match turn.text.is_empty() {
        true => Item::Silent,
        false => Item::Turn(turn).spoken(),
    }
}

/// `[01:05] Agent: Hi`: the clock and the rest.
fn clocked(text: &str) -> (Option<i64>, &str) {
    let inside = text.strip_prefix(['[', '(']);
    let split = inside.and_then(|inside| inside.split_once([']', ')']));
    match split.and_then(|(time, rest)| Some((clock(time.trim())?, rest))) {
        Some((offset, rest)) => (Some(offset), rest.trim_start()),
        None => (None, text),
    }
}
