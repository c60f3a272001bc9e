//! TRANSCRIPT_TIMES: whether the row's transcript says when each line was spoken.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// TRANSCRIPT_TIMES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TranscriptTimes {
    /// The lines have no times.
    #[default]
    Off,
    /// `[mm:ss]` before each line whose position in the recording is known.
    On,
}

impl TranscriptTimes {
    /// Every value, the default first.
    pub const ALL: [TranscriptTimes; 2] = [TranscriptTimes::Off, TranscriptTimes::On];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            TranscriptTimes::Off => "off",
            TranscriptTimes::On => "on",
        }
    }
}

impl FromStr for TranscriptTimes {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<TranscriptTimes, UnknownName> {
        by_name(&TranscriptTimes::ALL, TranscriptTimes::as_str, name)
    }
}
