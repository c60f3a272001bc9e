//! The figures of a call.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Call, figures::Prices};

/// Every figure by its name, as in the schema file behind `figures.`; null where it is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(value_type = BTreeMap<String, Value>)]
#[serde(transparent)]
pub struct FiguresView(BTreeMap<&'static str, Value>);

impl FiguresView {
    /// Of a call whose reports were loaded; `None` if its agents reported nothing.
    pub fn new(call: &Call, prices: Option<&Prices>) -> Option<FiguresView> {
        Some(FiguresView(call.figures(prices)?.by_name().collect()))
    }

    /// The figures that are known, by name.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let known = self.0.iter().filter(|(_, value)| !value.is_null());
        known.map(|(name, value)| (*name, value))
    }

    /// The figures that are known, by name, as text.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, String)> {
        let known = self.0.iter().filter(|(_, value)| !value.is_null());
        known.map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(texts) => {
                    let texts = texts.iter().filter_map(Value::as_str);
                    texts.collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            (*name, text)
        })
    }
}
