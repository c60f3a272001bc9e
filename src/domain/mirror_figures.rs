//! EGRESS_WEBHOOK_FIGURES: whether the mirror gets the figures.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// EGRESS_WEBHOOK_FIGURES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorFigures {
    /// Its messages have no `figures`.
    #[default]
    Off,
    /// Its messages contain the call's figures.
    On,
}

impl MirrorFigures {
    /// Every value, the default first.
    pub const ALL: [MirrorFigures; 2] = [MirrorFigures::Off, MirrorFigures::On];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            MirrorFigures::Off => "off",
            MirrorFigures::On => "on",
        }
    }
}

impl FromStr for MirrorFigures {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<MirrorFigures, UnknownName> {
        by_name(&MirrorFigures::ALL, MirrorFigures::as_str, name)
    }
}
