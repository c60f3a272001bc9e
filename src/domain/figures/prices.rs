//! What models cost: the price list of PRICES_FILE, and the cost of what a call's models used.

use std::{cmp::Reverse, collections::BTreeSet};

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;

use super::{
    consumption::{Amount, Consumption},
    price_unit::PriceUnit,
};

/// A price in the list.
#[derive(Debug, Clone)]
pub struct Price {
    provider: Pattern,
    model: Pattern,
    unit: PriceUnit,
    usd: f64,
    as_of: Date,
}

/// A glob, compared without regard to case.
#[derive(Debug, Clone)]
struct Pattern(GlobMatcher);

impl Pattern {
    fn new(glob: &str) -> Result<Pattern, String> {
        let glob = GlobBuilder::new(glob).case_insensitive(true).build();
        let glob = glob.map_err(|error| error.kind().to_string())?;
        Ok(Pattern(glob.compile_matcher()))
    }

    fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    fn text(&self) -> &str {
        self.0.glob().glob()
    }
}

impl Price {
    /// US dollars for a unit of a provider's models, both globs, from this day on.
    ///
    /// # Errors
    /// What is wrong with a glob; completes a sentence that begins with it.
    pub fn new(
        (provider, model): (&str, &str),
        unit: PriceUnit,
        usd: f64,
        as_of: Date,
    ) -> Result<Price, String> {
        Ok(Price {
            provider: Pattern::new(provider)?,
            model: Pattern::new(model)?,
            unit,
            usd,
            as_of,
        })
    }

    fn is_for(&self, consumption: &Consumption, unit: PriceUnit) -> bool {
        let provider = consumption.provider.as_deref().unwrap_or_default();
        let model = consumption.model.as_deref().unwrap_or_default();
        self.unit == unit && self.provider.matches(provider) && self.model.matches(model)
    }

    /// Whether it is the same price of another day.
    fn is_same(&self, other: &Price) -> bool {
        let name = |price: &Price| {
            (
                price.provider.text().to_owned(),
                price.model.text().to_owned(),
            )
        };
        self.unit == other.unit && name(self) == name(other)
    }
}

/// The price list. Of the prices for a model and unit, the first one counts, as it was on the day of the call.
#[derive(Debug, Clone, Default)]
pub struct Prices(Vec<Price>);

/// The cost of a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cost {
    /// US dollars; `None`: nothing was used, or not everything has a price.
    pub(super) usd: Option<f64>,
    /// What has no price: model and unit.
    pub(super) unpriced: BTreeSet<String>,
}

impl Prices {
    /// The list in the order of its file.
    pub fn new(prices: Vec<Price>) -> Prices {
        Prices(prices)
    }

    /// What models used, at the prices of that day; without a day, at the newest.
    pub(super) fn cost(&self, used: &[Consumption], day: Option<Date>) -> Cost {
        let mut cost = Cost::default();
        let mut usd = None;
        for (consumption, amounts) in used
            .iter()
            .flat_map(|it| it.amounts().map(move |a| (it, a)))
        {
            match self.price(consumption, &amounts, day) {
                Some(price) => *usd.get_or_insert(0.0) += price,
                None => {
                    let unit = amounts.first().map_or("", |amount| amount.unit.as_str());
                    cost.unpriced
                        .insert(format!("{} ({unit})", consumption.name()));
                }
            }
        }
        cost.usd = usd.filter(|_| cost.unpriced.is_empty());
        cost
    }

    /// The price of the first of these amounts that has one: they are the same thing in several units.
    fn price(&self, of: &Consumption, amounts: &[Amount], day: Option<Date>) -> Option<f64> {
        let priced = amounts.iter().find_map(|amount| {
            let price = self.on(of, amount.unit, day)?;
            Some(price.usd * amount.units)
        });
        priced.filter(|usd| usd.is_finite())
    }

    fn on(&self, of: &Consumption, unit: PriceUnit, day: Option<Date>) -> Option<&Price> {
        let first = self.0.iter().find(|price| price.is_for(of, unit))?;
        let same = || self.0.iter().filter(|price| price.is_same(first));
        let day = day.unwrap_or(Date::MAX);
        let past = same().filter(|price| price.as_of <= day);
        past.max_by_key(|price| price.as_of)
            .or_else(|| same().max_by_key(|price| Reverse(price.as_of)))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn list() -> Prices {
        let price = |provider, model, unit: &str, usd, year| {
            let unit = unit.parse().unwrap();
            Price::new((provider, model), unit, usd, date(year, 1, 1)).unwrap()
        };
        Prices::new(vec![
            price("openai", "gpt-4o-mini*", "1M input tokens", 0.15, 2025),
            price("openai", "gpt-4o*", "1M input tokens", 5.0, 2024),
            price("openai", "gpt-4o*", "1M input tokens", 2.5, 2025),
            price("openai", "gpt-4o*", "1M output tokens", 10.0, 2025),
            price("*", "sonic*", "1M characters", 30.0, 2025),
            price("deepgram", "nova-3", "minute", 0.0043, 2025),
            price("self", "*", "minute", 0.0, 2025),
        ])
    }

    fn cost(usage: serde_json::Value, year: i16) -> (Option<f64>, Vec<String>) {
        let entries = usage.as_array().unwrap().iter();
        let used = entries.filter_map(|entry| Consumption::of(entry.as_object().unwrap()));
        let cost = list().cost(&used.collect::<Vec<_>>(), Some(date(year, 6, 1)));
        let rounded = cost.usd.map(|usd| (usd * 1e6).round() / 1e6);
        (rounded, cost.unpriced.into_iter().collect())
    }

    #[test]
    fn the_first_price_that_matches_counts_as_of_the_day() {
        let llm = |model: &str| {
            json!([{ "type": "llm_usage", "provider": "OpenAI", "model": model,
            "input_tokens": 1_000_000, "input_cached_tokens": 0, "output_tokens": 0 }])
        };
        assert_eq!(cost(llm("gpt-4o-mini"), 2026), (Some(0.15), vec![]));
        assert_eq!(cost(llm("gpt-4o-2024-11-20"), 2026), (Some(2.5), vec![]));
        assert_eq!(cost(llm("gpt-4o"), 2024), (Some(5.0), vec![]));
        // Before the first price, the first one counts.
        assert_eq!(cost(llm("gpt-4o"), 2020), (Some(5.0), vec![]));
        let unknown = vec!["OpenAI/gpt-5 (1M input tokens)".to_owned()];
        assert_eq!(cost(llm("gpt-5"), 2026), (None, unknown));
    }

    #[test]
    fn everything_that_was_used_needs_a_price() {
        let all = json!([
            { "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "input_tokens": 3000, "input_cached_tokens": 1000, "output_tokens": 500 },
            { "type": "tts_usage", "provider": "cartesia", "model": "sonic-2", "characters_count": 1000, "audio_duration": 60.0 },
            { "type": "stt_usage", "provider": "deepgram", "model": "nova-3", "audio_duration": 120.0 },
            { "type": "eot_usage", "model": "turn", "total_requests": 3 },
        ]);
        assert_eq!(cost(all, 2026), (Some(0.0511), vec![]));
        let audio = json!([{ "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "input_tokens": 10, "input_audio_tokens": 4 }]);
        let unpriced = vec!["openai/gpt-4o (1M audio input tokens)".to_owned()];
        assert_eq!(cost(audio, 2026), (None, unpriced));
        let nothing = json!([{ "type": "llm_usage", "provider": "openai", "model": "gpt-4o", "input_tokens": 0 }]);
        assert_eq!(cost(nothing, 2026), (None, vec![]));
        assert_eq!(cost(json!([]), 2026), (None, vec![]));
        let own = json!([{ "type": "stt_usage", "provider": "self", "model": "whisper", "audio_duration": 60.0 }]);
        assert_eq!(cost(own, 2026), (Some(0.0), vec![]));
        let nameless = json!([{ "type": "stt_usage", "audio_duration": 60.0 }]);
        let unpriced = vec!["a model without a name (minute)".to_owned()];
        assert_eq!(cost(nameless, 2026), (None, unpriced));
    }
}
