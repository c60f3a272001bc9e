//! The speaker of an item, from its fields.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    diarized::number,
    kind::by_kind,
    label::{Label, label},
    report::Speaker,
};

/// Fields with the speaker, in order of preference.
const FIELDS: [&str; 33] = [
    "role",
    "Role",
    "ParticipantRole",
    "participant_role",
    "participantRole",
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
    "speaker_name",
    "speakerName",
    "sender_name",
    "participant_name",
    "ParticipantId",
    "participant_id",
    "participantId",
    "Speaker",
    "name",
    "user",
    "type",
    "event",
    "channel",
    "media_channel",
    "mediaChannel",
    "source",
    "side",
    "party",
];
/// Fields whose value may be a number that stands for a voice.
const NUMBERED: [&str; 7] = [
    "speaker",
    "speaker_id",
    "speaker_label",
    "Speaker",
    "channel",
    "media_channel",
    "mediaChannel",
];
/// Fields with a participant's identity, which is more specific than a name.
const IDENTITIES: [&str; 3] = ["participant_identity", "participantIdentity", "identity"];
/// Fields that only sometimes name the speaker.
const KINDS: [&str; 6] = ["type", "event", "channel", "source", "side", "party"];
/// Fields that are true for one side and false for the other.
const SIDES: [(&str, Speaker, Speaker); 6] = [
    ("is_agent", Speaker::Agent, Speaker::Caller),
    ("isAgent", Speaker::Agent, Speaker::Caller),
    ("is_bot", Speaker::Agent, Speaker::Caller),
    ("isBot", Speaker::Agent, Speaker::Caller),
    ("is_user", Speaker::Caller, Speaker::Agent),
    ("isUser", Speaker::Caller, Speaker::Agent),
];

/// The first known name; otherwise a side, otherwise an identity, otherwise the first unknown name.
pub(super) fn named(fields: &Map<String, Value>) -> Option<(Label, Cow<'_, str>)> {
    if let Some(class) = class(fields) {
        return Some((label(class), class.into()));
    }
    let mut unknown: Option<(Label, Cow<'_, str>)> = None;
    for field in FIELDS {
        let Some(name) = fields.get(field).and_then(name_in) else {
            continue;
        };
        let label = match label(name) {
            Label::Unknown if is_kind(field) => by_kind(name),
            label => label,
        };
        if label != Label::Unknown {
            return Some((label, name.into()));
        }
        let is_better = unknown.is_none() || IDENTITIES.contains(&field);
        if is_better && !is_kind(field) {
            unknown = Some((label, name.into()));
        }
    }
    side(fields).or(unknown).or_else(|| numbered(fields))
}

/// LangChain's `{"lc": 1, "type": "constructor", "id": ["langchain", …, "HumanMessage"]}`: the name of the class.
fn class(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("lc")?;
    fields.get("id")?.as_array()?.last()?.as_str()
}

/// The name in a text or in an object.
fn name_in(value: &Value) -> Option<&str> {
    let name = match value {
        Value::String(name) => name.as_str(),
        Value::Object(author) => {
            let names = ["role", "identity", "name", "type"];
            names.iter().find_map(|name| author.get(*name)?.as_str())?
        }
        _ => return None,
    };
    Some(name).filter(|name| !name.is_empty())
}

/// A number that a speech recognizer gave the voice.
fn numbered(fields: &Map<String, Value>) -> Option<(Label, Cow<'_, str>)> {
    let number = NUMBERED
        .iter()
        .find_map(|field| number(fields.get(*field)?))?;
    Some((Label::Unknown, number.into()))
}

fn side(fields: &Map<String, Value>) -> Option<(Label, Cow<'_, str>)> {
    let speaker = SIDES
        .iter()
        .find_map(|(field, yes, no)| match fields.get(*field) {
            Some(Value::Bool(true)) => Some(*yes),
            Some(Value::Bool(false)) => Some(*no),
            _ => None,
        });
    speaker.map(|speaker| (Label::Speaker(speaker), "".into()))
}

/// Whether a field names the speaker only sometimes.
pub(super) fn is_kind(field: &str) -> bool {
    KINDS.contains(&field)
}

/// Whether a field may name the speaker.
pub(super) fn is_speaker(field: &str) -> bool {
    FIELDS.contains(&field) || SIDES.iter().any(|(side, ..)| *side == field)
}
