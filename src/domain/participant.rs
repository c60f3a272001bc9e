//! Who was in the room.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `ParticipantInfo.Kind`; kinds we do not know are people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Standard,
    Agent,
    Sip,
    Egress,
    Ingress,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Participant {
    /// `PA_…`
    pub sid: String,
    pub identity: String,
    pub name: String,
    pub kind: Kind,
    pub attributes: BTreeMap<String, String>,
    pub joined_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
    /// LiveKit counts the changes of a participant; the larger is the newer.
    pub version: u64,
}

impl Participant {
    /// A person: not an agent, an egress or an ingress.
    pub fn is_person(&self) -> bool {
        matches!(self.kind, Kind::Standard | Kind::Sip)
    }

    /// Folds what another event said of the same participant, in any order.
    pub fn merge(&mut self, other: Participant) {
        let joined_at = earliest(self.joined_at, other.joined_at);
        let left_at = self.left_at.max(other.left_at);
        let (mut newer, older) = if rank(&other) > rank(self) {
            (other, std::mem::take(self))
        } else {
            (std::mem::take(self), other)
        };
        if newer.attributes.is_empty() {
            newer.attributes = older.attributes;
        }
        if newer.name.is_empty() {
            newer.name = older.name;
        }
        newer.kind = newer.kind.max(older.kind);
        *self = Participant {
            joined_at,
            left_at,
            ..newer
        };
    }
}

fn rank(
    participant: &Participant,
) -> (
    u64,
    Option<Timestamp>,
    &BTreeMap<String, String>,
    &str,
    &str,
) {
    let Participant {
        version,
        left_at,
        attributes,
        name,
        identity,
        ..
    } = participant;
    (*version, *left_at, attributes, name, identity)
}

/// The earlier of two times, where either may be unknown.
pub fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
