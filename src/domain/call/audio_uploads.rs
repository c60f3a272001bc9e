//! The audio that agents uploaded with their sessions, on its way to the bucket.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{
    agent_audio::{AgentAudio, AudioFate, UploadedAudio},
    audio_uploads::MissingAudio,
    status::Status,
};

impl Call {
    /// What is to be done with the audio of an upload: [`Call::fate_of`], but of one job only one file is kept.
    pub fn fate_of_upload(
        &self,
        message_id: &str,
        audio: &UploadedAudio,
        mode: AgentAudio,
    ) -> AudioFate {
        match self.audio_uploads.is_superseded(message_id) {
            true => AudioFate::Dropped,
            false => self.fate_of(audio, mode),
        }
    }

    /// The job of an upload; empty if it is not known.
    pub fn job_of_upload(&self, message_id: &str) -> &str {
        self.audio_uploads.job(message_id)
    }

    /// Whether audio that was acknowledged is on its way to the bucket.
    pub fn awaits_audio(&self) -> bool {
        self.audio_uploads.awaited().next().is_some()
    }

    /// Whether the audio of this upload is.
    pub fn awaits_audio_of(&self, message_id: &str) -> bool {
        self.audio_uploads.awaited().any(|(id, _)| id == message_id)
    }

    /// The uploads whose audio has been on its way since then, by the ids of their messages.
    pub fn audio_awaited_since(&self, since: Timestamp) -> Vec<&str> {
        let awaited = self.audio_uploads.awaited();
        let old = awaited.filter(|(_, at)| at.is_none_or(|at| at <= since));
        old.map(|(id, _)| id).collect()
    }

    /// Whether the audio of this upload is known to be in the bucket.
    pub fn has_stored_audio_of(&self, message_id: &str) -> bool {
        self.audio_uploads.is_stored(message_id)
    }

    /// Why the bucket did not take the audio of this upload when it was last tried, for people.
    pub fn audio_error_of(&self, message_id: &str) -> Option<&str> {
        self.audio_uploads.error_of(message_id)
    }

    /// What became of agents' audio that would be recordings of this call, for people. Beside another recording, only what is wrong.
    pub(in crate::domain) fn agent_audio_error(&self) -> Option<String> {
        let error = self.audio_uploads.error();
        if self.status_by_recordings() != Status::Failed {
            let error = error?;
            return Some(format!(
                "An agent's own audio has not reached the bucket. Its last upload failed: {error}"
            ));
        }
        let error = error.map_or_else(String::new, |error| {
            format!(" Its last upload failed: {error}")
        });
        if self.awaits_audio() {
            return Some(format!(
                "The agent's own audio is on its way to the bucket.{error}"
            ));
        }
        Some(match self.audio_uploads.missing()? {
            MissingAudio::Refused(why) => {
                format!("The agent's own audio was refused: {}.", why.reason())
            }
            MissingAudio::NotStored => {
                format!("The agent's own audio has not reached the bucket.{error}")
            }
        })
    }
}
