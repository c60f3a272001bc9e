//! What models used, as the reports' `usage` says: tokens, characters, minutes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    consumption::Consumption,
    usage_entry::{Stage, given, number, seconds, stage},
};
use crate::domain::transcript::Report;

/// The maximum number of entries that are read, and of models that are listed.
const MOST: usize = 256;

/// What models used in a call, all of them together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Usage {
    pub(super) llm: Option<Tokens>,
    /// Characters.
    pub(super) tts: Option<u64>,
    /// Seconds.
    pub(super) stt: Option<f64>,
    /// `provider/model`, or the model alone.
    pub(super) models: BTreeSet<String>,
    /// The same, entry by entry.
    pub(super) entries: Vec<Consumption>,
}

/// Tokens of language models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
}

impl Usage {
    /// Of these reports, each of another job.
    pub(super) fn of<'a>(reports: impl Iterator<Item = &'a Report>) -> Usage {
        let mut usage = Usage::default();
        for report in reports {
            let entries = report.fields.get("usage").and_then(Value::as_array);
            let entries = entries.into_iter().flatten().filter_map(Value::as_object);
            entries.take(MOST).for_each(|entry| usage.add(entry));
        }
        usage
    }

    fn add(&mut self, entry: &Map<String, Value>) {
        self.entries.extend(Consumption::of(entry));
        let count = |names: [&str; 2]| number(entry, names).map(|number| number as u64);
        match stage(entry) {
            Some(Stage::Llm) => {
                let tokens = self.llm.get_or_insert_default();
                let input = count(["input_tokens", "inputTokens"]);
                let cached = count(["input_cached_tokens", "inputCachedTokens"]);
                let output = count(["output_tokens", "outputTokens"]);
                tokens.input = tokens.input.saturating_add(input.unwrap_or(0));
                tokens.cached = tokens.cached.saturating_add(cached.unwrap_or(0));
                tokens.output = tokens.output.saturating_add(output.unwrap_or(0));
            }
            Some(Stage::Tts) => {
                let characters = count(["characters_count", "charactersCount"]).unwrap_or(0);
                let known = self.tts.get_or_insert_default();
                *known = known.saturating_add(characters);
            }
            Some(Stage::Stt) => *self.stt.get_or_insert_default() += seconds(entry).unwrap_or(0.0),
            None => {}
        }
        let provider = given(entry, "provider");
        if let Some(model) = given(entry, "model")
            && self.models.len() < MOST
        {
            let provider = provider.map(|provider| format!("{provider}/"));
            self.models
                .insert(format!("{}{model}", provider.unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(usage: Value) -> Usage {
        let mut report = Report::default();
        report.fields.insert("usage".into(), usage);
        Usage::of(std::iter::once(&report))
    }

    #[test]
    fn every_version_says_what_its_models_used() {
        let typed = of(json!([
            { "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "input_tokens": 10, "input_cached_tokens": 4, "output_tokens": 5 },
            { "type": "tts_usage", "model": "sonic", "characters_count": 30, "audio_duration": 9.0 },
            { "type": "stt_usage", "model": "unknown", "audio_duration": 12.5, "input_tokens": 3 },
            { "type": "eot_usage", "model": "turn", "total_requests": 3 },
        ]));
        let untyped = of(json!([
            { "provider": "openai", "model": "gpt-4o", "input_tokens": 10, "input_cached_tokens": 4, "output_tokens": 5 },
            { "model": "sonic", "characters_count": 30, "audio_duration": 9.0 },
            { "model": "turn", "total_requests": 3 },
            { "audio_duration": 12.5 },
        ]));
        let camel = of(json!([
            { "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "inputTokens": 10, "inputCachedTokens": 4, "outputTokens": 5 },
            { "type": "tts_usage", "model": "sonic", "charactersCount": 30, "audioDurationMs": 9000 },
            { "type": "stt_usage", "audioDurationMs": 12500 },
            { "type": "eot_usage", "model": "turn" },
        ]));
        let tokens = Tokens {
            input: 10,
            output: 5,
            cached: 4,
        };
        assert_eq!(typed.llm, Some(tokens));
        assert_eq!((typed.tts, typed.stt), (Some(30), Some(12.5)));
        let models: Vec<&String> = typed.models.iter().collect();
        assert_eq!(models, ["openai/gpt-4o", "sonic", "turn"]);
        assert_eq!(typed, untyped);
        assert_eq!(typed, camel);
        for nothing in [json!(null), json!([]), json!("x"), json!([7, {}])] {
            assert_eq!(of(nothing), Usage::default());
        }
    }
}
