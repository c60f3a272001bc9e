//! The value of a figure.

use serde_json::{Number, Value};

/// The value of a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum FigureValue {
    Text(String),
    Count(u64),
    /// Seconds, minutes or a share, to a thousandth; dollars, to a millionth.
    Measure(f64),
    Texts(Vec<String>),
}

impl FigureValue {
    /// A measure from thousandths.
    pub(super) fn thousandths(thousandths: f64) -> FigureValue {
        FigureValue::Measure(thousandths.round() / 1e3)
    }

    /// A measure in dollars.
    pub(super) fn dollars(usd: f64) -> FigureValue {
        FigureValue::Measure((usd * 1e6).round() / 1e6)
    }

    /// Texts; `None` if there is none.
    pub(super) fn texts(texts: Vec<String>) -> Option<FigureValue> {
        (!texts.is_empty()).then_some(FigureValue::Texts(texts))
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        match self {
            FigureValue::Text(text) => Value::from(text.as_str()),
            FigureValue::Count(count) => Value::from(*count),
            FigureValue::Measure(measure) => {
                Number::from_f64(*measure).map_or(Value::Null, Value::Number)
            }
            FigureValue::Texts(texts) => Value::from(texts.clone()),
        }
    }
}
