//! One egress that records the room.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    agent_audio::is_agent_audio_key,
    egress_error::EgressError,
    egress_status::EgressStatus,
    egress_version::{EgressVersion, EventOrder},
    id::EgressId,
    nanoseconds,
    participant::earliest,
    place::Place,
};

/// Begins the ids of recordings that were found in the bucket and have no id of LiveKit's.
pub(super) const FOUND: &str = "OBJ_";

/// An egress that records the room into a file, as far as events reported it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// `EG_…`
    pub egress_id: EgressId,
    pub status: EgressStatus,
    /// LiveKit's `updatedAt`.
    #[serde(with = "nanoseconds::time")]
    pub updated_at: Option<Timestamp>,
    /// When LiveKit accepted the request.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// `file_results[0].started_at`: position 0 of the file, when the first audio arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_started_at: Option<Timestamp>,
    /// The object's key: `file_results[0].filename`, behind the prefix of the egress service if it has one.
    pub key: String,
    /// Bytes, as counted by the egress; `None` if it uploaded nothing.
    pub size: Option<u64>,
    #[serde(with = "nanoseconds::duration")]
    pub duration: Option<SignedDuration>,
    /// The egress reported where it put the file. (The place itself may be malformed; it is used for the prefix alone.)
    pub located: bool,
    pub error: EgressError,
    /// `EgressInfo.error_code`, like an HTTP status; 0 without an error.
    pub error_code: i64,
    /// The order of the event that carried `key`, when the rest is from another one.
    #[serde(default)]
    pub key_of: Option<EventOrder>,
    /// Where the file is.
    #[serde(default, skip_serializing_if = "Place::is_unstated")]
    pub place: Place,
}

impl Recording {
    /// Position 0 of the file; until LiveKit reports that, when it accepted the request.
    pub fn begins_at(&self) -> Option<Timestamp> {
        self.file_started_at.or(self.started_at)
    }

    /// Merges what another event said of the same egress; any order and any repetition gives the same. An end beats a
    /// beginning, then the newest `updatedAt` wins (LiveKit Cloud may send several ends): all fields come from that
    /// event, except the key, which is the newest that any event carried, the place, which any event may report, and both
    /// starts, which are the earliest: the egress sends another `started_at` when its pipeline starts, some milliseconds
    /// later.
    pub fn merge(&mut self, other: Recording) {
        let started_at = earliest(self.started_at, other.started_at);
        let file_started_at = earliest(self.file_started_at, other.file_started_at);
        let place = self.place.clone().max(other.place.clone());
        let (winner, loser) = if other.last_word() > self.last_word() {
            (other, std::mem::take(self))
        } else {
            (std::mem::take(self), other)
        };
        *self = winner;
        if loser.key_order() > self.key_order() {
            let order = loser.key_of.unwrap_or(loser.order());
            self.key_of = Some(order).filter(|order| *order != self.order());
            self.key = loser.key;
        }
        self.started_at = started_at;
        self.file_started_at = file_started_at;
        self.place = place;
    }

    /// Whether another event says more of the egress: its status, its time, or its file.
    pub fn learns_from(&self, other: &Recording) -> bool {
        let mut merged = self.clone();
        merged.merge(other.clone());
        let same_file = self.is_at(&merged.key);
        merged.version() != self.version()
            || merged.key.is_empty() != self.key.is_empty()
            || !same_file
    }

    /// Whether its file is at this key, or at this key behind a prefix of the egress service.
    pub fn is_at(&self, key: &str) -> bool {
        let prefix = self.key.strip_suffix(key);
        prefix.is_some_and(|it| it.is_empty() || it.ends_with('/'))
    }

    /// What is known of the egress: an answer of the bucket is of this version.
    pub fn version(&self) -> EgressVersion {
        EgressVersion {
            status: self.status,
            updated_at: self.updated_at,
        }
    }

    fn order(&self) -> EventOrder {
        self.version().into()
    }

    fn key_order(&self) -> (bool, EventOrder, &str) {
        let order = self.key_of.unwrap_or(self.order());
        (!self.key.is_empty(), order, &self.key)
    }

    /// Everything that comes from one event, so that one of two events with the same time wins in any order.
    fn last_word(&self) -> impl PartialOrd + '_ {
        let file = (self.located, self.size, self.duration);
        (
            self.order(),
            self.ended_at,
            file,
            &self.error,
            self.error_code,
        )
    }

    /// The egress ended and a file should be where it was asked for, including a partial one.
    pub fn expects_file(&self) -> bool {
        match self.status {
            EgressStatus::Complete | EgressStatus::LimitReached => !self.key.is_empty(),
            EgressStatus::Failed | EgressStatus::Aborted => self.located && !self.key.is_empty(),
            _ => false,
        }
    }

    /// Why an object of this many bytes is not the recording, for people.
    pub fn odd_size(&self, bytes: u64) -> String {
        match self.size {
            Some(reported) if reported != bytes => {
                format!("has {bytes} bytes instead of the {reported} that LiveKit uploaded")
            }
            _ => "is empty".to_owned(),
        }
    }

    /// Ended before any audio came: nobody spoke. LiveKit reports that as ABORTED with code 412.
    pub fn has_no_audio(&self) -> bool {
        self.status == EgressStatus::Aborted && matches!(self.error_code, 0 | 412) && !self.located
    }

    /// It is the agent's own audio, which its SDK uploaded.
    pub fn is_agent_audio(&self) -> bool {
        self.was_found() && is_agent_audio_key(&self.key)
    }

    /// It was found in the bucket: its id is ours and means nothing to LiveKit.
    pub fn was_found(&self) -> bool {
        self.egress_id.starts_with(FOUND)
    }
}
