//! The price list of PRICES_FILE.

use std::{path::Path, sync::Arc};

use jiff::civil::Date;
use serde::Deserialize;

use super::Error;
use crate::domain::figures::{Price, PriceUnit, Prices};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    prices: Vec<toml::Spanned<Entry>>,
}

/// One price.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default = "any")]
    provider: String,
    model: String,
    unit: String,
    usd: f64,
    as_of: toml::value::Datetime,
}

fn any() -> String {
    "*".to_owned()
}

/// The price list of the file; without a file, calls have no cost.
///
/// # Errors
/// When the file cannot be read or is wrong.
pub fn prices(path: Option<&Path>) -> Result<Option<Arc<Prices>>, Error> {
    let Some(path) = path else {
        return Ok(None);
    };
    let file = path.display();
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| refused(&format!("{file} cannot be read: {error}")))?;
    match parse(&text) {
        Ok(prices) => Ok(Some(Arc::new(prices))),
        Err((line, why)) => Err(refused(&format!("{file}:{line}: {why}"))),
    }
}

fn refused(why: &str) -> Error {
    Error::Configuration(format!("PRICES_FILE: {why}"))
}

/// The list, or the first line that is wrong, from 1, and why.
fn parse(text: &str) -> Result<Prices, (usize, String)> {
    let line = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count();
    let document: Document = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (line(at), error.message().to_owned())
    })?;
    let prices = document.prices.into_iter().map(|entry| {
        let at = entry.span().start;
        entry.into_inner().price().map_err(|why| (line(at), why))
    });
    prices.collect::<Result<_, _>>().map(Prices::new)
}

impl Entry {
    fn price(self) -> Result<Price, String> {
        let unit = self.unit.parse::<PriceUnit>().map_err(|_| {
            let known = PriceUnit::ALL.map(PriceUnit::as_str).join("”, “");
            format!("unknown unit “{}”; valid units: “{known}”", self.unit)
        })?;
        if !self.usd.is_finite() || self.usd < 0.0 {
            return Err("`usd` must be a number from 0 on".into());
        }
        let day = self.as_of.date.filter(|_| self.as_of.time.is_none());
        let as_of = day.and_then(|day| {
            let month = i8::try_from(day.month).ok()?;
            Date::new(
                i16::try_from(day.year).ok()?,
                month,
                i8::try_from(day.day).ok()?,
            )
            .ok()
        });
        let as_of = as_of.ok_or("`as_of` must be a date without a time, like 2026-01-31")?;
        let names = (self.provider.as_str(), self.model.as_str());
        Price::new(names, unit, self.usd, as_of).map_err(|why| format!("a glob is wrong: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_example_is_read() {
        let example = include_str!("../../schema/prices.toml");
        assert!(parse(example).is_ok(), "{:?}", parse(example).err());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let price = |line: &str| {
            format!("# a list\n[[prices]]\nmodel = \"m\"\nas_of = 2026-01-31\n{line}\n")
        };
        for (text, line, why) in [
            (
                price("unit = \"token\"\nusd = 1"),
                2,
                "unknown unit “token”; valid units: “1M input tokens”",
            ),
            (price("unit = \"minute\"\nusd = -1"), 2, "`usd` must be"),
            (price("unit = \"minute\"\nusd = \"1\""), 6, "invalid type"),
            (
                price("unit = \"minute\"\neur = 1"),
                6,
                "unknown field `eur`",
            ),
            (
                "[[prices]]\nmodel = \"[\"\nunit = \"minute\"\nusd = 1\nas_of = 2026-01-31\n"
                    .to_owned(),
                1,
                "a glob is wrong",
            ),
            (
                "[[prices]]\nmodel = \"m\"\nunit = \"minute\"\nusd = 1\nas_of = 12:00:00\n"
                    .to_owned(),
                1,
                "`as_of` must be a date",
            ),
            ("prices = 1".to_owned(), 1, "invalid type"),
        ] {
            let (found, reason) = parse(&text).unwrap_err();
            assert!(reason.contains(why), "{reason}");
            assert_eq!(found, line, "{reason}");
        }
    }
}
