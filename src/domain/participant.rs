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
    /// The versions that `name` and `attributes` are of: a newer event without them takes nothing away.
    #[serde(default)]
    pub name_version: u64,
    #[serde(default)]
    pub attributes_version: u64,
}

impl Participant {
    /// A person: not an agent, an egress or an ingress.
    pub fn is_person(&self) -> bool {
        matches!(self.kind, Kind::Standard | Kind::Sip)
    }

    /// Folds what another event said of the same participant, in any order.
    pub fn merge(&mut self, other: Participant) {
        self.joined_at = earliest(self.joined_at, other.joined_at);
        self.left_at = self.left_at.max(other.left_at);
        self.kind = self.kind.max(other.kind);
        self.version = self.version.max(other.version);
        if other.name_rank() > self.name_rank() {
            self.name_version = other.name_version;
            self.name = other.name.clone();
        }
        if other.attributes_rank() > self.attributes_rank() {
            self.attributes_version = other.attributes_version;
            self.attributes = other.attributes;
        }
        if other.identity > self.identity {
            self.identity = other.identity;
        }
        if self.sid.is_empty() {
            self.sid = other.sid;
        }
    }

    fn name_rank(&self) -> (bool, u64, &str) {
        (!self.name.is_empty(), self.name_version, &self.name)
    }

    fn attributes_rank(&self) -> (bool, u64, &BTreeMap<String, String>) {
        let attributes = &self.attributes;
        (!attributes.is_empty(), self.attributes_version, attributes)
    }
}

/// The earlier of two times, where either may be unknown.
pub fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
