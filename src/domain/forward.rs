//! LIVEKIT_OBSERVABILITY_FORWARD: whether agents' uploads are sent on to LiveKit.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// LIVEKIT_OBSERVABILITY_FORWARD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forward {
    /// They stay here.
    #[default]
    Off,
    /// They go on, once they are stored.
    On,
}

impl Forward {
    /// Every value, the default first.
    pub const ALL: [Forward; 2] = [Forward::Off, Forward::On];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Forward::Off => "off",
            Forward::On => "on",
        }
    }
}

impl FromStr for Forward {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Forward, UnknownName> {
        by_name(&Forward::ALL, Forward::as_str, name)
    }
}
