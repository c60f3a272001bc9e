//! AGENT_AUDIO: what becomes of the agent's own audio, which the agents SDK uploads with its session.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    name::{UnknownName, by_name},
    path,
};

/// The end of the object keys of agents' audio.
const ENDING: &str = ".agent.ogg";

/// AGENT_AUDIO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AgentAudio {
    /// It becomes the call's recording if no egress left one, and is deleted otherwise.
    #[default]
    Fallback,
    /// It is kept beside the recording of an egress, too.
    Always,
    /// It is not kept.
    Off,
}

impl AgentAudio {
    /// Every value, the default first.
    pub const ALL: [AgentAudio; 3] = [AgentAudio::Fallback, AgentAudio::Always, AgentAudio::Off];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            AgentAudio::Fallback => "fallback",
            AgentAudio::Always => "always",
            AgentAudio::Off => "off",
        }
    }
}

impl FromStr for AgentAudio {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<AgentAudio, UnknownName> {
        by_name(&AgentAudio::ALL, AgentAudio::as_str, name)
    }
}

/// Audio that an agent uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UploadedAudio {
    /// When it begins, to the millisecond; it identifies the audio of a job within its call.
    pub started_at: Option<Timestamp>,
    /// Of the file.
    pub bytes: u64,
}

/// What an upload says of its audio; stored with its report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedAudio {
    /// It was on the disk before the upload was acknowledged.
    Received(UploadedAudio),
    /// It was not taken, and sending it again would not help.
    Refused(AudioRefusal),
}

/// Why an agent's audio was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioRefusal {
    /// It is not Ogg Opus, or has no sound.
    NotOpus,
    /// It is larger than AGENT_AUDIO_SIZE.
    TooLarge,
}

impl AudioRefusal {
    /// Why, for people.
    pub fn reason(self) -> &'static str {
        match self {
            AudioRefusal::NotOpus => "it is not Ogg Opus with sound",
            AudioRefusal::TooLarge => "it is larger than AGENT_AUDIO_SIZE",
        }
    }
}

/// The upload that a file of audio came with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UploadId {
    /// The id of its inbox message, which sorts by arrival.
    pub message_id: String,
    /// The agent's job; empty if the upload names none.
    pub job: String,
}

impl UploadId {
    /// The upload with this message, whose job is not known.
    pub(super) fn of(message_id: &str) -> UploadId {
        UploadId {
            message_id: message_id.to_owned(),
            job: String::new(),
        }
    }
}

/// What is to be done with an agent's audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFate {
    /// The call is not over, or its recording may still come.
    Undecided,
    /// It becomes a recording of the call.
    Kept,
    /// Nobody needs it, or the bucket has it.
    Dropped,
}

/// The object key of an agent's audio beside a recording with this key: `recordings/RM_1.agent.ogg`.
pub fn agent_audio_key(recording: &str) -> String {
    format!("{}{ENDING}", path::stem(recording))
}

/// Whether the object key is one of an agent's audio, with a number or without.
pub fn is_agent_audio_key(key: &str) -> bool {
    let Some(stem) = key.strip_suffix(".ogg") else {
        return false;
    };
    let unnumbered = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = (unnumbered.len() < stem.len()).then(|| unnumbered.strip_suffix('-'));
    numbered.flatten().unwrap_or(stem).ends_with(".agent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_an_agents_audio_is_recognised() {
        let key = agent_audio_key("recordings/RM_1.mp3");
        assert_eq!(key, "recordings/RM_1.agent.ogg");
        let second = path::with_suffix(&key, "2");
        assert_eq!(second, "recordings/RM_1.agent-2.ogg");
        assert!(is_agent_audio_key(&key) && is_agent_audio_key(&second));
        for other in [
            "RM_1.ogg",
            "RM_1.agent.mp3",
            "agent.ogg",
            "RM_1-2.ogg",
            "RM_1.agent2.ogg",
        ] {
            assert!(!is_agent_audio_key(other), "{other}");
        }
    }
}
