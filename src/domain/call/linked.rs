//! Since when there is something to link to: the life of a link in a row (LINK_LIFE) counts from then, so that every
//! process and every later version makes the same link.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::recording::Recording;

impl Call {
    /// When the recording was found in the bucket; until then, when it ended.
    pub fn recording_linked_since(&self, recording: &Recording) -> Option<Timestamp> {
        let object = self.objects.get(&recording.egress_id);
        let found = object.filter(|object| object.state.is_found());
        found.map(|object| object.at).or(recording.ended_at)
    }

    /// When the full text of a long transcript was put into the bucket.
    pub fn transcript_linked_since(&self) -> Option<Timestamp> {
        let file = self.transcript_file.as_ref();
        file.map(|file| *file.stamp())
    }
}
