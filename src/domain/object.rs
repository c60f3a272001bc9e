//! What the bucket says of a recording's object.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{egress_version::EgressVersion, recording::Recording};

/// The bucket's answer for a recording. The larger of two is the newer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// When the bucket was asked.
    pub at: Timestamp,
    /// What was known of the egress then: news of the egress may be news of the object.
    #[serde(rename = "told", default)]
    pub egress_version: EgressVersion,
    pub state: ObjectState,
}

impl Object {
    /// The bucket was asked after everything that is known of the egress had been reported.
    pub fn is_of(&self, recording: &Recording) -> bool {
        self.egress_version == recording.version()
    }
}

/// Whether a recording's object is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// It is there with this many bytes, as many as the egress uploaded.
    Found { size: u64 },
    /// The object does not exist (yet).
    Missing,
    /// It is there with another size than the egress uploaded.
    OtherSize { size: u64 },
    /// The bucket did not answer; the reason, for people.
    Unknown { error: String },
    /// Looked for until the end, and not there as it should be.
    Lost {
        /// The last answer, for people.
        error: String,
        /// Absent in what earlier versions stored.
        #[serde(default, skip_serializing_if = "LostReason::is_unstated")]
        reason: LostReason,
    },
}

impl ObjectState {
    /// The object is there.
    pub fn is_found(&self) -> bool {
        matches!(self, ObjectState::Found { .. })
    }
}

/// Why a recording's object was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// The object never came.
    NeverCame,
    /// The object has another size than LiveKit uploaded.
    OtherSize,
    /// The storage answers 403: the key may not read the object, or may not see that it is missing.
    Forbidden,
    /// Stored without a reason, or with one that this version does not know.
    #[default]
    #[serde(other)]
    Unstated,
}

impl LostReason {
    fn is_unstated(&self) -> bool {
        *self == LostReason::Unstated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_stored_is_read() {
        let lost = |reason| ObjectState::Lost {
            error: "gone".into(),
            reason,
        };
        let cases = [
            (r#"{"lost":{"error":"gone"}}"#, LostReason::Unstated),
            (
                r#"{"lost":{"error":"gone","reason":"forbidden"}}"#,
                LostReason::Forbidden,
            ),
            (
                r#"{"lost":{"error":"gone","reason":"of a later version"}}"#,
                LostReason::Unstated,
            ),
        ];
        for (json, reason) in cases {
            assert_eq!(
                serde_json::from_str::<ObjectState>(json).unwrap(),
                lost(reason)
            );
        }
        let json = serde_json::to_string(&lost(LostReason::Unstated)).unwrap();
        assert_eq!(json, r#"{"lost":{"error":"gone"}}"#);
        let object = r#"{"at":"2026-01-02T03:04:05Z","told":["complete",1700000000000000001],"state":"missing"}"#;
        let read: Object = serde_json::from_str(object).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), object);
    }
}
