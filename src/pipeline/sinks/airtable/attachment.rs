//! The copy of the recording in a row (the column filled from `recording_attachment`), as far as it is known.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::airtable::Attachment;

/// How often a recording is sent.
pub(super) const TRIES: u32 = 3;
/// How long Airtable may take to fetch it.
const FETCH_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);
/// What is remembered of a copy. Its JSON is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AttachmentState {
    /// The recording that it is a copy of.
    pub(super) egress_id: String,
    /// How often it was sent.
    pub(super) tries: u32,
    /// Milliseconds since the epoch; 0 before the first time.
    pub(super) sent_at: i64,
    /// The ids that Airtable gave it (`att…`).
    pub(super) ids: Vec<String>,
    /// Stored as `state`.
    #[serde(rename = "state")]
    pub(super) progress: Progress,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// Not known to be in Airtable.
    Open,
    /// Seen in Airtable, with its size.
    #[serde(rename = "there")]
    Stored,
    /// Sent as often as it may be, in vain.
    GivenUp,
}

/// A copy that is sent with the row's next request.
pub(super) struct AttachmentUpload {
    /// The column's name in the schema.
    pub(super) column: String,
    /// Attachments that stay in the cell, by id.
    pub(super) kept: Vec<String>,
    /// Where Airtable fetches it.
    pub(super) url: String,
    /// The last part of the object's key.
    pub(super) filename: String,
}

impl AttachmentUpload {
    /// The cell: what stays in it by its ids, and our copy.
    pub(super) fn cell(&self) -> Value {
        let kept = self.kept.iter().map(|id| json!({ "id": id }));
        let ours = json!({ "url": self.url, "filename": self.filename });
        kept.chain([ours]).collect()
    }
}

/// The state of a copy according to the cell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AttachmentCheck {
    /// It is there, with its size.
    Stored,
    /// Airtable has not fetched it yet.
    Fetching { ids: Vec<String> },
    /// It must be sent (again); these attachments stay in the cell.
    Missing { kept: Vec<String> },
}

impl AttachmentState {
    /// Of a recording that was not sent yet.
    pub(super) fn new(egress_id: &str) -> AttachmentState {
        AttachmentState {
            egress_id: egress_id.to_owned(),
            tries: 0,
            sent_at: 0,
            ids: Vec::new(),
            progress: Progress::Open,
        }
    }

    /// The line of Error about a copy that Airtable did not take.
    pub(super) fn note(&self, column: &str) -> Option<String> {
        let note = || {
            format!(
                "Airtable did not copy the recording into “{column}” after {TRIES} attempts; the link to the recording still works."
            )
        };
        (self.progress == Progress::GivenUp).then(note)
    }

    /// How long ago it was sent.
    pub(super) fn waited(&self, now: Timestamp) -> SignedDuration {
        SignedDuration::from_millis(now.as_millisecond() - self.sent_at)
    }

    /// Compares with what is in the cell. Our copy is what has one of its ids, or our file's name and size: that finds
    /// it after an answer that was lost, too.
    pub(super) fn check(
        &self,
        cell: &[Attachment],
        filename: &str,
        size: u64,
        now: Timestamp,
    ) -> AttachmentCheck {
        let known = |it: &&Attachment| self.ids.contains(&it.id);
        let ours = |it: &&Attachment| known(it) || it.filename == filename;
        let is_complete = |it: &Attachment| it.size == Some(size) && it.kind.is_some();
        if cell.iter().filter(ours).any(is_complete) {
            return AttachmentCheck::Stored;
        }
        let unfetched = cell.iter().filter(|it| it.size.is_none()).filter(ours);
        let fetching: Vec<String> = unfetched.map(|it| it.id.clone()).collect();
        if !fetching.is_empty() && (self.tries == 0 || self.waited(now) < FETCH_TIMEOUT) {
            return AttachmentCheck::Fetching { ids: fetching };
        }
        let others = cell.iter().filter(|it| !known(it));
        AttachmentCheck::Missing {
            kept: others.map(|it| it.id.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn item(id: &str, filename: &str, size: Option<u64>) -> Attachment {
        let kind = size.map(|_| "audio/mpeg".to_owned());
        let (id, filename) = (id.to_owned(), filename.to_owned());
        Attachment {
            id,
            filename,
            size,
            kind,
        }
    }

    fn checked(tries: u32, ids: &[&str], minutes: i64, cell: &[Attachment]) -> AttachmentCheck {
        let state = AttachmentState {
            tries,
            ids: ids.iter().map(ToString::to_string).collect(),
            ..AttachmentState::new("EG_1")
        };
        state.check(cell, "a.mp3", 100, NOW + SignedDuration::from_mins(minutes))
    }

    #[test]
    fn what_a_cell_says_about_our_copy() {
        let kept = |ids: &[&str]| AttachmentCheck::Missing {
            kept: ids.iter().map(ToString::to_string).collect(),
        };
        let theirs = item("attTheirs", "notes.pdf", Some(7));
        let mine = |size| item("attMine", "a.mp3", size);
        assert_eq!(checked(0, &[], 0, &[]), kept(&[]));
        assert_eq!(
            checked(1, &["attMine"], 1, &[theirs.clone(), mine(Some(100))]),
            AttachmentCheck::Stored
        );
        // Renamed by a person, and still ours.
        let renamed = item("attMine", "b.mp3", Some(100));
        assert_eq!(
            checked(1, &["attMine"], 1, &[renamed]),
            AttachmentCheck::Stored
        );
        // Sent, but the response was lost.
        assert_eq!(
            checked(0, &[], 0, &[mine(Some(100))]),
            AttachmentCheck::Stored
        );
        let fetching = |ids: &[&str]| AttachmentCheck::Fetching {
            ids: ids.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            checked(1, &["attMine"], 14, &[mine(None)]),
            fetching(&["attMine"])
        );
        assert_eq!(checked(0, &[], 900, &[mine(None)]), fetching(&["attMine"]));
        // Never fetched, fetched incorrectly, or deleted: ours is replaced, the user's stay, including one with our
        // file's name.
        assert_eq!(
            checked(1, &["attMine"], 15, &[theirs.clone(), mine(None)]),
            kept(&["attTheirs"])
        );
        assert_eq!(
            checked(1, &["attMine"], 1, &[mine(Some(31)), theirs.clone()]),
            kept(&["attTheirs"])
        );
        assert_eq!(checked(1, &["attMine"], 1, &[theirs]), kept(&["attTheirs"]));
        let same_name = item("attOther", "a.mp3", Some(31));
        assert_eq!(
            checked(1, &["attMine"], 1, &[same_name]),
            kept(&["attOther"])
        );
    }
}
