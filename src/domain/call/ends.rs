//! How the recordings of a call ended, as far as others are told of it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::state::Call;
use crate::domain::{egress_status::EgressStatus, id::EgressId, nanoseconds, recording::Recording};

/// The end of a recording. Stored by the mirror, which sends a correction when it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingEnd {
    pub status: EgressStatus,
    /// The object's key; empty if no file was created.
    pub key: String,
    /// Bytes, as counted by the egress.
    pub size: Option<u64>,
    /// The length of the file.
    #[serde(with = "nanoseconds::duration")]
    pub duration: Option<SignedDuration>,
}

impl Call {
    /// How this recording ended; `None` while it runs. One whose end LiveKit never reported has failed.
    pub fn recording_end(&self, recording: &Recording) -> Option<RecordingEnd> {
        let status = match recording.status {
            status if status.is_over() => status,
            _ => EgressStatus::Failed,
        };
        let file = Some(recording).filter(|recording| recording.expects_file());
        self.has_ended(recording).then(|| RecordingEnd {
            status,
            key: file.map_or_else(String::new, |file| file.key.clone()),
            size: file.and_then(|file| file.size),
            duration: file.and_then(|file| file.duration),
        })
    }

    /// Recordings that had already ended in `before`, but in another way.
    pub(super) fn corrected(&self, before: &Call) -> Vec<EgressId> {
        let is_corrected = |recording: &&Recording| {
            let known = before.recordings.get(&recording.egress_id);
            let known = known.and_then(|known| before.recording_end(known));
            known.is_some() && known != self.recording_end(recording)
        };
        let corrected = self.recordings.values().filter(is_corrected);
        corrected.map(|it| it.egress_id.clone()).collect()
    }
}
