//! One egress that records the room, and the object it leaves in the bucket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::participant::earliest;

/// What an egress writes: RECORDING_FILE_TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    Mp3,
    Ogg,
    Mp4,
}

impl FileType {
    /// Without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Ogg => "ogg",
            Self::Mp4 => "mp4",
        }
    }
}

/// LiveKit's `EgressStatus`, in the order of an egress' life. A status that we do not know counts as active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EgressStatus {
    #[default]
    Starting,
    Active,
    Ending,
    Aborted,
    Failed,
    LimitReached,
    Complete,
}

impl EgressStatus {
    pub fn is_over(self) -> bool {
        self >= EgressStatus::Aborted
    }

    /// The word of the mirror and of `/v1`.
    pub fn as_str(self) -> &'static str {
        match self {
            EgressStatus::Starting => "starting",
            EgressStatus::Active => "active",
            EgressStatus::Ending => "ending",
            EgressStatus::Aborted => "aborted",
            EgressStatus::Failed => "failed",
            EgressStatus::LimitReached => "limit_reached",
            EgressStatus::Complete => "complete",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recording {
    /// `EG_…`
    pub egress_id: String,
    pub status: EgressStatus,
    /// Nanoseconds since the epoch, as LiveKit sends it; 0 when it did not.
    pub updated_at: i64,
    /// When the request was taken.
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// `file_results[0].filename`: the object's key.
    pub key: String,
    /// Bytes, as the egress counted them; absent when it uploaded nothing.
    pub size: Option<u64>,
    /// Nanoseconds.
    pub duration: Option<i64>,
    /// The egress told where it put the file. (The place itself is never used: it may be malformed.)
    pub located: bool,
    pub error: String,
    pub error_code: i64,
    /// How new the event was that told `key`, when it was not the one that told the rest.
    #[serde(default)]
    pub key_of: Option<Age>,
}

/// Which of two events about an egress is the newer: `(it has ended, updatedAt, status)`.
type Age = (bool, i64, EgressStatus);

impl Recording {
    /// Folds what another event said of the same egress; any order and any repetition gives the same. An end beats a
    /// beginning, then the newest `updatedAt` (LiveKit Cloud may send several ends): that event is taken whole, but for
    /// what it does not tell while another one did. The key is the newest that was told. `started_at` is the earliest:
    /// egress tells it anew when its pipeline starts, some milliseconds later.
    pub fn merge(&mut self, other: Recording) {
        let started_at = earliest(self.started_at, other.started_at);
        let (winner, loser) = if other.last_word() > self.last_word() {
            (other, std::mem::take(self))
        } else {
            (std::mem::take(self), other)
        };
        *self = winner;
        if loser.key_age() > self.key_age() {
            let age = loser.key_of.unwrap_or(loser.age());
            self.key_of = Some(age).filter(|age| *age != self.age());
            self.key = loser.key;
        }
        self.started_at = started_at;
    }

    /// What an answer of the bucket is of.
    pub fn told(&self) -> (EgressStatus, i64) {
        (self.status, self.updated_at)
    }

    fn age(&self) -> Age {
        (self.status.is_over(), self.updated_at, self.status)
    }

    fn key_age(&self) -> (bool, Age, &str) {
        let age = self.key_of.unwrap_or(self.age());
        (!self.key.is_empty(), age, &self.key)
    }

    /// Everything that is taken from one event, so that two events of one millisecond have a winner, too.
    fn last_word(&self) -> impl PartialOrd + '_ {
        let file = (self.located, self.size, self.duration);
        (
            self.age(),
            self.ended_at,
            file,
            &self.error,
            self.error_code,
        )
    }

    /// The egress ended and a file should be in the bucket, a partial one included.
    pub fn expects_file(&self) -> bool {
        match self.status {
            EgressStatus::Complete | EgressStatus::LimitReached => !self.key.is_empty(),
            EgressStatus::Failed | EgressStatus::Aborted => self.located && !self.key.is_empty(),
            _ => false,
        }
    }

    /// What is odd about an object of so many bytes, for people.
    pub fn odd_size(&self, bytes: u64) -> String {
        match self.size {
            Some(told) if told != bytes => {
                format!("has {bytes} bytes, not the {told} that LiveKit uploaded")
            }
            _ => "is empty".to_owned(),
        }
    }

    /// Ended before any audio came: nobody spoke. LiveKit says so with ABORTED and 412.
    pub fn heard_nothing(&self) -> bool {
        self.status == EgressStatus::Aborted && matches!(self.error_code, 0 | 412) && !self.located
    }
}

/// What the bucket said when it was asked for a recording. The larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// When it was asked.
    pub at: Timestamp,
    /// The egress' status and `updatedAt` as they were known then: news of the egress may be news of the object.
    #[serde(default)]
    pub told: (EgressStatus, i64),
    pub state: ObjectState,
}

impl Object {
    /// The bucket was asked after all that is known of the egress had been told.
    pub fn is_of(&self, recording: &Recording) -> bool {
        self.told == recording.told()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// It is there with this many bytes, as many as the egress said.
    Found { size: u64 },
    /// Not there (yet).
    Missing,
    /// It is there with another size than the egress said.
    OtherSize { size: u64 },
    /// The bucket did not say; why, for people.
    Unknown { error: String },
    /// Looked for until the end, and not there as it should be; the last observation, for people.
    Lost { error: String },
}
