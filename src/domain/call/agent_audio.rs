//! The agent's own audio as the recording of a call that has no other.

use super::{state::Call, status::RecordingState};
use crate::domain::{
    agent_audio::{AgentAudio, AudioFate, UploadedAudio},
    recording::Recording,
    status::Status,
};

/// For people, of a recording that is the agent's audio.
pub const FROM_THE_AGENT: &str = "The recording is the agent's own audio, which its SDK uploaded: the caller is on the left channel, the agent on the right.";

impl Call {
    /// What is to be done with audio that an agent of this call uploaded. It is decided when the call is over: it is
    /// kept if a recording was wanted and no egress left one although people may have spoken; with `always` also beside one.
    /// Of a call that nobody wanted recorded, nothing is kept.
    pub fn fate_of(&self, audio: &UploadedAudio, mode: AgentAudio) -> AudioFate {
        if self.holds(audio) || self.simulated || self.is_others() {
            return AudioFate::Dropped;
        }
        let without = self.status_without_agents();
        match (mode, without) {
            (AgentAudio::Off, _) => AudioFate::Dropped,
            (_, Status::Live | Status::Processing) => AudioFate::Undecided,
            // Nobody wanted a recording, or nobody spoke.
            (_, Status::NoRecording) => AudioFate::Dropped,
            (AgentAudio::Always, Status::Complete) | (_, Status::Failed) => AudioFate::Kept,
            (AgentAudio::Fallback, Status::Complete) => AudioFate::Dropped,
        }
    }

    /// Whether this audio is one of the call's recordings: an upload may be repeated.
    fn holds(&self, audio: &UploadedAudio) -> bool {
        let same = |it: &Recording| {
            it.is_agent_audio() && it.started_at == audio.started_at && it.size == Some(audio.bytes)
        };
        self.recordings.values().any(same)
    }

    /// The status if no agent had uploaded audio.
    fn status_without_agents(&self) -> Status {
        self.status_of(|recording| !recording.is_agent_audio())
    }

    /// Whether it is an agent's audio, and an egress left a recording or may still do so.
    pub(super) fn is_spare(&self, recording: &Recording) -> bool {
        let is_better = |other: &Recording| {
            let state = || self.state_of(other);
            let is_there = || matches!(state(), RecordingState::Playable | RecordingState::Pending);
            !other.is_agent_audio() && self.counts(other) && is_there()
        };
        recording.is_agent_audio() && self.recordings.values().any(is_better)
    }
}
