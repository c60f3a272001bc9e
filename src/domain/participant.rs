//! Participants of a room.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    disconnect_reason::{self, DisconnectReason},
    latest::Latest,
};

/// `ParticipantInfo.Kind`; unknown kinds are people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantKind {
    #[default]
    Standard,
    Agent,
    Sip,
    Egress,
    Ingress,
    /// A call through WhatsApp or Twilio.
    Connector,
}

impl ParticipantKind {
    /// The kind that earlier versions store and read; they do not know every kind.
    fn as_before(self) -> ParticipantKind {
        match self {
            ParticipantKind::Connector => ParticipantKind::Standard,
            kind => kind,
        }
    }
}

/// One participant, as far as events reported them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "StoredParticipant", into = "StoredParticipant")]
pub struct Participant {
    /// `PA_…`; the identity where LiveKit sent no sid.
    pub sid: String,
    pub identity: String,
    /// Stamped with the version of the event that carried it.
    pub name: Latest<String, u64>,
    pub kind: ParticipantKind,
    /// Stamped like the name.
    pub attributes: Latest<BTreeMap<String, String>, u64>,
    pub joined_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
    /// Why it left.
    pub left_because: Option<DisconnectReason>,
    /// Whether it was seen with an audio track.
    pub has_audio: bool,
    /// It was seen as a simulator of LiveKit's.
    pub is_simulator: bool,
    /// LiveKit counts the changes of a participant; the larger version is the newer.
    pub version: u64,
}

impl Participant {
    /// A person: not an agent, an egress or an ingress.
    pub fn is_person(&self) -> bool {
        matches!(
            self.kind,
            ParticipantKind::Standard | ParticipantKind::Sip | ParticipantKind::Connector
        )
    }

    /// Merges what another event said of the same participant, in any order.
    pub fn merge(&mut self, other: Participant) {
        self.joined_at = earliest(self.joined_at, other.joined_at);
        self.left_at = self.left_at.max(other.left_at);
        self.left_because = self.left_because.max(other.left_because);
        self.has_audio |= other.has_audio;
        self.is_simulator |= other.is_simulator;
        self.kind = self.kind.max(other.kind);
        self.version = self.version.max(other.version);
        self.name.update(other.name);
        self.attributes.update(other.attributes);
        if other.identity > self.identity {
            self.identity = other.identity;
        }
        if self.sid.is_empty() {
            self.sid = other.sid;
        }
    }

    /// Whether another event says more of the participant.
    pub fn learns_from(&self, other: &Participant) -> bool {
        let mut merged = self.clone();
        merged.merge(other.clone());
        merged != *self
    }
}

/// The earlier of two times, either of which may be unknown.
pub fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A participant as it is stored: values and the versions they are of side by side.
#[derive(Serialize, Deserialize)]
struct StoredParticipant {
    sid: String,
    identity: String,
    name: String,
    kind: ParticipantKind,
    /// The kind, if earlier versions do not know it.
    #[serde(
        default,
        deserialize_with = "if_known",
        skip_serializing_if = "Option::is_none"
    )]
    newer_kind: Option<ParticipantKind>,
    attributes: BTreeMap<String, String>,
    joined_at: Option<Timestamp>,
    left_at: Option<Timestamp>,
    #[serde(
        default,
        deserialize_with = "disconnect_reason::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    left_because: Option<DisconnectReason>,
    version: u64,
    #[serde(default)]
    name_version: u64,
    #[serde(default)]
    attributes_version: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_audio: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_simulator: bool,
}

/// A kind that only a newer version knows is read as `None`.
fn if_known<'de, D: Deserializer<'de>>(value: D) -> Result<Option<ParticipantKind>, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(serde_json::from_value(value).ok())
}

impl From<StoredParticipant> for Participant {
    fn from(stored: StoredParticipant) -> Participant {
        Participant {
            sid: stored.sid,
            identity: stored.identity,
            name: Latest::new(stored.name_version, stored.name),
            kind: stored.newer_kind.unwrap_or(stored.kind),
            attributes: Latest::new(stored.attributes_version, stored.attributes),
            joined_at: stored.joined_at,
            left_at: stored.left_at,
            left_because: stored.left_because,
            has_audio: stored.has_audio,
            is_simulator: stored.is_simulator,
            version: stored.version,
        }
    }
}

impl From<Participant> for StoredParticipant {
    fn from(participant: Participant) -> StoredParticipant {
        StoredParticipant {
            sid: participant.sid,
            identity: participant.identity,
            name_version: *participant.name.stamp(),
            name: participant.name.into_value(),
            kind: participant.kind.as_before(),
            newer_kind: Some(participant.kind).filter(|kind| *kind != kind.as_before()),
            attributes_version: *participant.attributes.stamp(),
            attributes: participant.attributes.into_value(),
            joined_at: participant.joined_at,
            left_at: participant.left_at,
            left_because: participant.left_because,
            has_audio: participant.has_audio,
            is_simulator: participant.is_simulator,
            version: participant.version,
        }
    }
}
