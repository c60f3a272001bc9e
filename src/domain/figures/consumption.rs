//! What one model used, in the units of its price.

use serde_json::{Map, Value};

use super::{
    price_unit::PriceUnit,
    usage_entry::{Stage, given, number, seconds, stage},
};

/// What a price for a million is divided by.
const MILLION: f64 = 1e6;

/// What one model used, as a report says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Consumption {
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    used: Used,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Used {
    Llm {
        input: f64,
        cached: f64,
        audio_input: f64,
        output: f64,
        audio_output: f64,
        /// Of a model that counts the time of its sessions and no tokens.
        seconds: f64,
    },
    Tts {
        characters: f64,
        seconds: f64,
    },
    Stt {
        seconds: f64,
    },
}

/// How many units of a price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount {
    pub(super) unit: PriceUnit,
    pub(super) units: f64,
}

impl Consumption {
    /// Of an entry of a report's `usage`; `None`: it counts neither tokens, characters nor seconds.
    pub(super) fn of(entry: &Map<String, Value>) -> Option<Consumption> {
        let count = |names: [&str; 2]| number(entry, names).unwrap_or(0.0);
        let used = match stage(entry)? {
            Stage::Llm => {
                let cached = count(["input_cached_tokens", "inputCachedTokens"]);
                let cached_audio = count(["input_cached_audio_tokens", "inputCachedAudioTokens"]);
                let audio = count(["input_audio_tokens", "inputAudioTokens"]);
                let audio_input = (audio - cached_audio).max(0.0);
                let audio_output = count(["output_audio_tokens", "outputAudioTokens"]);
                let input = count(["input_tokens", "inputTokens"]) - cached - audio_input;
                let output = count(["output_tokens", "outputTokens"]) - audio_output;
                Used::Llm {
                    input: input.max(0.0),
                    cached,
                    audio_input,
                    output: output.max(0.0),
                    audio_output,
                    seconds: session(entry),
                }
            }
            Stage::Tts => Used::Tts {
                characters: count(["characters_count", "charactersCount"]),
                seconds: seconds(entry).unwrap_or(0.0),
            },
            Stage::Stt => Used::Stt {
                seconds: seconds(entry).unwrap_or(0.0),
            },
        };
        Some(Consumption {
            provider: given(entry, "provider").map(str::to_owned),
            model: given(entry, "model").map(str::to_owned),
            used,
        })
    }

    /// `provider/model`, for people.
    pub(super) fn name(&self) -> String {
        match (&self.provider, &self.model) {
            (Some(provider), Some(model)) => format!("{provider}/{model}"),
            (None, Some(model)) => model.clone(),
            (Some(provider), None) => format!("a model of {provider}"),
            (None, None) => "a model without a name".to_owned(),
        }
    }

    /// What needs a price: each in the units that may have one, the first of which counts. Nothing of which nothing was used.
    pub(super) fn amounts(&self) -> impl Iterator<Item = Vec<Amount>> {
        let tokens = |unit, tokens: f64| Amount {
            unit,
            units: tokens / MILLION,
        };
        let minutes = |seconds: f64| Amount {
            unit: PriceUnit::Minute,
            units: seconds / 60.0,
        };
        let all = match self.used {
            Used::Llm {
                input,
                cached,
                audio_input,
                output,
                audio_output,
                seconds,
            } if input + cached + audio_input + output + audio_output == 0.0 => {
                vec![vec![minutes(seconds)]]
            }
            Used::Llm {
                input,
                cached,
                audio_input,
                output,
                audio_output,
                ..
            } => vec![
                vec![tokens(PriceUnit::InputTokens, input)],
                vec![
                    tokens(PriceUnit::CachedInputTokens, cached),
                    tokens(PriceUnit::InputTokens, cached),
                ],
                vec![tokens(PriceUnit::AudioInputTokens, audio_input)],
                vec![tokens(PriceUnit::OutputTokens, output)],
                vec![tokens(PriceUnit::AudioOutputTokens, audio_output)],
            ],
            Used::Tts {
                characters,
                seconds,
            } => vec![vec![
                tokens(PriceUnit::Characters, characters),
                minutes(seconds),
            ]],
            Used::Stt { seconds } => vec![vec![minutes(seconds)]],
        };
        all.into_iter().filter_map(|mut amounts| {
            amounts.retain(|amount| amount.units > 0.0);
            (!amounts.is_empty()).then_some(amounts)
        })
    }
}

/// Seconds of a model's sessions.
fn session(entry: &Map<String, Value>) -> f64 {
    let milliseconds = number(entry, ["session_duration_ms", "sessionDurationMs"]);
    let seconds = || number(entry, ["session_duration", "sessionDuration"]);
    milliseconds
        .map(|n| n / 1e3)
        .or_else(seconds)
        .unwrap_or(0.0)
}
