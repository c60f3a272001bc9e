//! ParticipantInfo in JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::value::{first, integer, milliseconds, seconds, string, text};
use crate::domain::{
    DisconnectReason, as_id,
    latest::Latest,
    participant::{Participant, ParticipantKind},
};

/// Parses a ParticipantInfo in the JSON form of webhooks.
pub fn participant(value: &Value) -> Participant {
    let attributes = value["attributes"].as_object();
    let pairs = attributes.into_iter().flatten();
    let attributes: BTreeMap<_, _> = pairs
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect();
    let version = integer(&value["version"]).unwrap_or(0).unsigned_abs();
    let identity = string(value, &["identity"]);
    let sid = string(value, &["sid"]);
    let joined = first(value, &["joinedAtMs", "joined_at_ms"]).and_then(milliseconds);
    Participant {
        sid: as_id(if sid.is_empty() {
            identity.clone()
        } else {
            sid
        }),
        identity,
        name: Latest::new(version, string(value, &["name"])),
        kind: kind(&value["kind"]),
        attributes: Latest::new(version, attributes),
        joined_at: joined.or_else(|| seconds(first(value, &["joinedAt", "joined_at"])?)),
        left_at: None,
        left_because: first(value, &["disconnectReason", "disconnect_reason"])
            .and_then(disconnect_reason),
        has_audio: value["tracks"]
            .as_array()
            .is_some_and(|it| it.iter().any(is_audio)),
        is_simulator: is_simulator(value),
        version,
    }
}

/// Whether a TrackInfo is audio. Protobuf's JSON omits this type, because its number is 0.
pub(super) fn is_audio(track: &Value) -> bool {
    let audio = match (text(&track["type"]), track["type"].as_i64()) {
        ("AUDIO", _) | (_, Some(0)) => true,
        ("", None) => !text(&track["mimeType"]).starts_with("video/"),
        _ => false,
    };
    track.is_object() && audio
}

fn kind(value: &Value) -> ParticipantKind {
    match (text(value), value.as_i64()) {
        ("INGRESS", _) | (_, Some(1)) => ParticipantKind::Ingress,
        ("EGRESS", _) | (_, Some(2)) => ParticipantKind::Egress,
        ("SIP", _) | (_, Some(3)) => ParticipantKind::Sip,
        ("AGENT", _) | (_, Some(4)) => ParticipantKind::Agent,
        ("CONNECTOR", _) | (_, Some(7)) => ParticipantKind::Connector,
        _ => ParticipantKind::Standard,
    }
}

fn disconnect_reason(value: &Value) -> Option<DisconnectReason> {
    match value.as_i64() {
        Some(number) => DisconnectReason::numbered(number),
        None => DisconnectReason::named(text(value)).ok(),
    }
}

/// Set by `lk simulate` and LiveKit's own simulator, which the agents SDK recognises by the attribute's name alone.
const SIMULATOR: &str = "lk.simulator";
/// `ParticipantInfo.KindDetail`, by name or number.
const SIMULATION: (&str, i64) = ("SIMULATION", 5);

fn is_simulator(value: &Value) -> bool {
    let attribute = value["attributes"].get(SIMULATOR).map(text);
    let details = first(value, &["kindDetails", "kind_details"]).and_then(Value::as_array);
    let mut details = details.into_iter().flatten();
    let says_so = |it: &Value| text(it) == SIMULATION.0 || it.as_i64() == Some(SIMULATION.1);
    details.any(says_so) || attribute.is_some_and(|it| !matches!(it, "" | "false"))
}
