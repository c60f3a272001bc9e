//! One egress that records the room, and the object it leaves in the bucket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
}

impl Recording {
    /// Folds what another event said of the same egress, in any order: an end beats a beginning, then the newest
    /// `updatedAt` (LiveKit Cloud may send several ends).
    pub fn merge(&mut self, other: Recording) {
        let (newer, older) = if other.rank() > self.rank() {
            (other, std::mem::take(self))
        } else {
            (std::mem::take(self), other)
        };
        *self = newer;
        if self.key.is_empty() {
            self.key = older.key;
        }
        self.started_at = self.started_at.or(older.started_at);
    }

    fn rank(&self) -> (bool, i64, EgressStatus, String) {
        let content = serde_json::to_string(self).unwrap_or_default();
        (self.status.is_over(), self.updated_at, self.status, content)
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

/// What the bucket said when it was asked for a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    pub state: ObjectState,
    /// When it was asked.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Looked for until the end, and not there as it should be; the last finding, for people.
    Lost { error: String },
}
