//! Who says an item, as its fields tell.

use serde_json::{Map, Value};

use super::{
    label::{Label, label},
    report::Speaker,
};

/// Fields with the speaker, in order of preference.
const FIELDS: [&str; 19] = [
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
    "speaker_name",
    "speakerName",
    "sender_name",
    "participant_name",
    "name",
    "user",
    "type",
    "event",
];
/// Those that hold a participant's identity, which says more than another name.
const IDENTITIES: [&str; 3] = ["participant_identity", "participantIdentity", "identity"];
/// Those that say what an item is, and only sometimes who speaks.
const KINDS: [&str; 2] = ["type", "event"];
/// Fields that are true for one side and false for the other.
const SIDES: [(&str, Speaker, Speaker); 6] = [
    ("is_agent", Speaker::Agent, Speaker::Caller),
    ("isAgent", Speaker::Agent, Speaker::Caller),
    ("is_bot", Speaker::Agent, Speaker::Caller),
    ("isBot", Speaker::Agent, Speaker::Caller),
    ("is_user", Speaker::Caller, Speaker::Agent),
    ("isUser", Speaker::Caller, Speaker::Agent),
];

/// The first name that is known, else a side, else an identity, else the first name.
pub(super) fn named(fields: &Map<String, Value>) -> Option<(Label, &str)> {
    let mut unknown: Option<(Label, &str)> = None;
    for field in FIELDS {
        let Some(name) = fields.get(field).and_then(name_in) else {
            continue;
        };
        let label = label(name);
        if label != Label::Unknown {
            return Some((label, name));
        }
        let is_better = unknown.is_none() || IDENTITIES.contains(&field);
        if is_better && !KINDS.contains(&field) {
            unknown = Some((label, name));
        }
    }
    side(fields).or(unknown)
}

/// A name, or that of an author who is an object.
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

fn side(fields: &Map<String, Value>) -> Option<(Label, &str)> {
    let speaker = SIDES
        .iter()
        .find_map(|(field, yes, no)| match fields.get(*field) {
            Some(Value::Bool(true)) => Some(*yes),
            Some(Value::Bool(false)) => Some(*no),
            _ => None,
        });
    speaker.map(|speaker| (Label::Speaker(speaker), ""))
}

/// `{"agent": "Hello."}`: the speaker and the words.
pub(super) fn keyed(fields: &Map<String, Value>) -> Option<(Speaker, &str)> {
    const NAMES: [&str; 8] = [
        "agent",
        "assistant",
        "bot",
        "ai",
        "user",
        "caller",
        "human",
        "customer",
    ];
    let name = NAMES.iter().find(|name| fields.contains_key(**name))?;
    let words = fields.get(*name)?.as_str()?;
    match label(name) {
        Label::Speaker(speaker) => Some((speaker, words.trim())),
        _ => None,
    }
}
