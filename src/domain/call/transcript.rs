//! The conversation of a call, from what its agents reported.

use std::borrow::Cow;

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{
    participant::ParticipantKind,
    recording::Recording,
    transcript::{Speaker, Transcript, by_identity, is_complete, join},
};

impl Call {
    /// The conversation from the reports of all of the agents' jobs, by time. `None` if nothing was reported.
    pub fn transcript(&self) -> Option<Cow<'_, Transcript>> {
        let reports = self.reports.counted();
        match reports.as_slice() {
            [] => None,
            [only] if is_complete(&only.transcript) => Some(Cow::Borrowed(&only.transcript)),
            several => {
                let speaker = |label: &str| self.speaker(label);
                Some(Cow::Owned(join(several, speaker, self.recording_start())))
            }
        }
    }

    /// The side of the participant whom a report names, by identity, sid or name.
    pub fn speaker(&self, label: &str) -> Option<Speaker> {
        let participants = || self.participants.values();
        let by_id = participants().find(|one| one.identity == label || one.sid == label);
        let by_name = || participants().find(|one| one.name.eq_ignore_ascii_case(label));
        match by_id.or_else(by_name) {
            Some(one) if one.kind == ParticipantKind::Agent => Some(Speaker::Agent),
            Some(one) if one.is_person() => Some(Speaker::Caller),
            Some(_) => None,
            None => by_identity(label),
        }
    }

    /// Position 0 of the recording that the row shows: the beginning of its file. Until LiveKit reports that, the time of its
    /// request; without a recording, the start of the room.
    pub fn recording_start(&self) -> Option<Timestamp> {
        let recording = self.primary_recording();
        let start = recording.and_then(Recording::begins_at);
        start.or(self.started_at())
    }

    /// The length of the file that the row's link plays, in seconds, once it is known.
    pub fn file_length(&self) -> Option<f64> {
        let length = self.primary_recording()?.duration?.as_secs_f64();
        Some(length).filter(|length| *length > 0.0)
    }
}
