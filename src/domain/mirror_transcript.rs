//! EGRESS_WEBHOOK_TRANSCRIPT: whether the mirror gets the words.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// EGRESS_WEBHOOK_TRANSCRIPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorTranscript {
    /// Its messages contain the transcript.
    #[default]
    On,
    /// Its messages have no `transcript`.
    Off,
}

impl MirrorTranscript {
    /// Every value, the default first.
    pub const ALL: [MirrorTranscript; 2] = [MirrorTranscript::On, MirrorTranscript::Off];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            MirrorTranscript::On => "on",
            MirrorTranscript::Off => "off",
        }
    }
}

impl FromStr for MirrorTranscript {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<MirrorTranscript, UnknownName> {
        by_name(&MirrorTranscript::ALL, MirrorTranscript::as_str, name)
    }
}
