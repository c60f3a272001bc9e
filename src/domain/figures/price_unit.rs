//! The units of prices.

use std::str::FromStr;

use crate::domain::name::{UnknownName, by_name};

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceUnit {
    /// A million tokens that a model reads, without those of sound and those from a cache.
    InputTokens,
    /// A million tokens that it reads from a cache. Without such a price, they cost what other input costs.
    CachedInputTokens,
    /// A million tokens that it writes, without those of sound.
    OutputTokens,
    /// A million tokens of sound that it hears.
    AudioInputTokens,
    /// A million tokens of sound that it speaks.
    AudioOutputTokens,
    /// A million characters that are spoken.
    Characters,
    /// A minute of sound that is transcribed or spoken, or of the session of a model that counts no tokens.
    Minute,
}

impl PriceUnit {
    /// Every unit.
    pub const ALL: [PriceUnit; 7] = [
        PriceUnit::InputTokens,
        PriceUnit::CachedInputTokens,
        PriceUnit::OutputTokens,
        PriceUnit::AudioInputTokens,
        PriceUnit::AudioOutputTokens,
        PriceUnit::Characters,
        PriceUnit::Minute,
    ];

    /// Its name in the price file.
    pub fn as_str(self) -> &'static str {
        match self {
            PriceUnit::InputTokens => "1M input tokens",
            PriceUnit::CachedInputTokens => "1M cached input tokens",
            PriceUnit::OutputTokens => "1M output tokens",
            PriceUnit::AudioInputTokens => "1M audio input tokens",
            PriceUnit::AudioOutputTokens => "1M audio output tokens",
            PriceUnit::Characters => "1M characters",
            PriceUnit::Minute => "minute",
        }
    }
}

impl FromStr for PriceUnit {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<PriceUnit, UnknownName> {
        by_name(&PriceUnit::ALL, PriceUnit::as_str, name)
    }
}
