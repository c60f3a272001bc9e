//! The status of a call, derived from its room, recordings and objects, and the recording that its row shows.

use jiff::SignedDuration;

use super::state::Call;
use crate::domain::{object::ObjectState, recording::Recording, status::Status};

/// The state of a recording, from the egress and the bucket together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordingState {
    Pending,
    Playable,
    /// Nobody spoke.
    Silent,
    Missing,
}

impl Call {
    /// The row's Status.
    pub fn status(&self) -> Status {
        if self.is_open() {
            return Status::Live;
        }
        let states: Vec<_> = self.recordings.values().map(|r| self.state_of(r)).collect();
        let any = |state| states.contains(&state);
        if any(RecordingState::Pending) {
            Status::Processing
        } else if any(RecordingState::Playable) {
            Status::Complete
        } else if any(RecordingState::Missing) {
            Status::Failed
        } else if any(RecordingState::Silent) {
            Status::NoRecording
        } else {
            self.status_unrecorded()
        }
    }

    fn status_unrecorded(&self) -> Status {
        match &self.not_started {
            Some(not_started) if not_started.refusal.is_final() => Status::Failed,
            _ if self.pending_request().is_some() => Status::Processing,
            _ => Status::NoRecording,
        }
    }

    fn state_of(&self, recording: &Recording) -> RecordingState {
        match self.object(recording) {
            Some(ObjectState::Found { .. }) => RecordingState::Playable,
            Some(ObjectState::Lost { .. }) => RecordingState::Missing,
            _ if self.must_look_for(recording) => RecordingState::Pending,
            _ if recording.has_no_audio() => RecordingState::Silent,
            _ if self.has_ended(recording) => RecordingState::Missing,
            _ => RecordingState::Pending,
        }
    }

    /// The recording shown in the row's columns: the newest playable one, otherwise the newest.
    pub fn primary_recording(&self) -> Option<&Recording> {
        let newest = |r: &&Recording| (r.started_at, r.egress_id.clone());
        let playable = |r: &&Recording| self.state_of(r) == RecordingState::Playable;
        let all = || self.recordings.values();
        all()
            .filter(playable)
            .max_by_key(newest)
            .or_else(|| all().max_by_key(newest))
    }

    /// The recording that people can play, with its object's size in bytes.
    pub fn playable_recording(&self) -> Option<(&Recording, u64)> {
        let recording = self.primary_recording()?;
        match self.object(recording) {
            Some(ObjectState::Found { size }) => Some((recording, *size)),
            _ => None,
        }
    }

    /// The recording's length, else the room's.
    pub fn duration(&self) -> Option<SignedDuration> {
        let room = || Some(self.ended_at()?.duration_since(self.started_at()?));
        let recorded = self.primary_recording().and_then(|r| r.duration);
        recorded.or_else(room).filter(|it| !it.is_negative())
    }
}
