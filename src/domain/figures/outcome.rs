//! Whether a call was a success, as its agent said with a tag.

use serde_json::Value;

use crate::domain::transcript::Report;

/// Whether a call was a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Fail,
}

impl Outcome {
    /// Every value, in the order of the choices in Airtable.
    pub const ALL: [Outcome; 2] = [Outcome::Success, Outcome::Fail];

    /// The choice in the Airtable column.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Success => "Success",
            Outcome::Fail => "Fail",
        }
    }

    /// By the agents SDK's tag.
    pub(super) fn of_tag(tag: &str) -> Option<Outcome> {
        match tag {
            "lk.success" => Some(Outcome::Success),
            "lk.fail" => Some(Outcome::Fail),
            _ => None,
        }
    }

    /// The outcome that a report's tags give.
    pub fn of(report: &Report) -> Option<Outcome> {
        tags(report).find_map(Outcome::of_tag)
    }
}

/// The tags of a report.
pub(super) fn tags(report: &Report) -> impl Iterator<Item = &str> {
    let tags = report.fields.get("tags");
    let list = tags.and_then(Value::as_array).into_iter().flatten();
    let keys = tags.and_then(Value::as_object).into_iter().flatten();
    let keys = keys.map(|(key, _)| key.as_str());
    list.filter_map(Value::as_str).chain(keys)
}
