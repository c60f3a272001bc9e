//! The status of a call, derived from its room, recordings and objects.

use super::state::Call;
use crate::domain::{object::ObjectState, recording::Recording, status::Status};

/// The state of a recording, from the egress and the bucket together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordingState {
    Pending,
    Playable,
    /// Nobody spoke.
    Silent,
    Missing,
}

impl Call {
    /// The row's Status. A call without a recording is not Failed while an agent's audio is on its way to the bucket.
    pub fn status(&self) -> Status {
        match self.status_by_recordings() {
            Status::Failed if self.awaits_audio() => Status::Processing,
            status => status,
        }
    }

    /// The status as far as its recordings decide.
    pub(super) fn status_by_recordings(&self) -> Status {
        self.status_of(|_| true)
    }

    /// The status if it had only these recordings.
    pub(super) fn status_of(&self, is_one: impl Fn(&Recording) -> bool) -> Status {
        if self.is_open() {
            return Status::Live;
        }
        if self.simulated {
            return Status::NoRecording;
        }
        let counted = || {
            let recordings = self.recordings.values();
            recordings.filter(|it| is_one(it) && self.counts(it))
        };
        let states: Vec<_> = counted().map(|it| self.state_of(it)).collect();
        let any = |state| states.contains(&state);
        let awaited = counted().any(|it| self.is_awaited(it));
        if awaited || any(RecordingState::Pending) && !any(RecordingState::Playable) {
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

    /// Whether its file may still arrive. If there is another part, nobody waits for the file of a killed egress.
    fn is_awaited(&self, recording: &Recording) -> bool {
        self.state_of(recording) == RecordingState::Pending && !self.was_killed(recording)
    }

    /// Whether its egress is lost: it never reported an end.
    pub(in crate::domain) fn was_killed(&self, recording: &Recording) -> bool {
        self.is_lost(recording) && !recording.status.is_over()
    }

    /// The state of a recording.
    pub(super) fn state_of(&self, recording: &Recording) -> RecordingState {
        match self.object(recording) {
            Some(ObjectState::Found { .. }) => RecordingState::Playable,
            Some(ObjectState::Lost { .. }) => RecordingState::Missing,
            _ if self.must_look_for(recording) => RecordingState::Pending,
            _ if self.is_silent(recording) => RecordingState::Silent,
            _ if self.has_ended(recording) => RecordingState::Missing,
            _ if recording.place.is_backup() => RecordingState::Missing,
            _ => RecordingState::Pending,
        }
    }

    /// Whether it ended without a file because nobody spoke.
    pub fn is_silent(&self, recording: &Recording) -> bool {
        let heard_nobody = !self.people_spoke() || self.was_early(recording);
        recording.has_no_audio() && (self.was_stopped(recording) || heard_nobody)
    }

    /// Whether there is no file and none is expected.
    pub(super) fn is_missing(&self, recording: &Recording) -> bool {
        let state = self.state_of(recording);
        matches!(state, RecordingState::Missing | RecordingState::Silent)
    }

    /// Whether the recording is in the bucket.
    pub fn is_playable(&self, recording: &Recording) -> bool {
        matches!(self.object(recording), Some(ObjectState::Found { .. }))
    }
}
