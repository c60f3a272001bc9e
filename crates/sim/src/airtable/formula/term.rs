//! The values that formulas calculate with.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::airtable::types;

/// A value; text is compared and joined as Airtable does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Blank,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Of a lookup, a multiple select or links; contains no lists and no blanks.
    List(Vec<Term>),
    /// No value; every expression over it is an error, too.
    Error,
}

impl Term {
    /// Whether a condition holds: not blank, zero, empty or an error.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Blank | Self::Error => false,
            Self::Bool(yes) => *yes,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
        }
    }

    /// As text, e.g. for `&`; lists are joined by commas.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Bool(yes) => u8::from(*yes).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(items) => join(items, ", "),
            Self::Error => "#ERROR!".to_owned(),
        }
    }

    /// As a number, NaN if it is none. A list of one item counts as that item.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Blank => 0.0,
            Self::Bool(yes) => f64::from(u8::from(*yes)),
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
            Self::List(items) => match &items[..] {
                [one] => one.number(),
                _ => f64::NAN,
            },
            Self::Error => f64::NAN,
        }
    }

    /// As a date in the form in which Airtable prints it: text order is time order.
    pub(super) fn date(&self) -> Option<String> {
        types::date_time(&Value::String(self.text()), &None)?
            .as_str()
            .map(str::to_owned)
    }

    /// The items of a list, none of a blank, else the value itself.
    pub(super) fn items(self) -> Vec<Term> {
        match self {
            Self::Blank => Vec::new(),
            Self::List(items) => items,
            one => vec![one],
        }
    }

    /// The value of a cell; attachments and people become their names.
    pub(super) fn from_cell(value: &Value) -> Self {
        match value {
            Value::Null => Self::Blank,
            Value::Bool(yes) => Self::Bool(*yes),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .flat_map(|i| Self::from_cell(i).items())
                    .collect(),
            ),
            Value::Object(object) if object.contains_key("error") => Self::Error,
            Value::Object(object) => {
                let names = ["filename", "name", "text"];
                let name = names.iter().find_map(|key| object.get(*key));
                name.map_or(Self::Blank, Self::from_cell)
            }
        }
    }

    /// As the cell of a computed field; None is an empty one.
    pub(super) fn cell(&self) -> Option<Value> {
        match self {
            Self::Blank => None,
            Self::Bool(yes) => Some(json!(u8::from(*yes))),
            Self::Number(number) if number.is_nan() => Some(json!({"specialValue": "NaN"})),
            Self::Number(number) if number.is_infinite() => {
                let sign = if *number < 0.0 { "-" } else { "" };
                Some(json!({"specialValue": format!("{sign}Infinity")}))
            }
            Self::Number(number) => Some(types::shortest(*number)),
            Self::Text(text) => (!text.is_empty()).then(|| json!(text)),
            Self::List(items) => {
                let cells: Vec<Value> = items.iter().filter_map(Self::cell).collect();
                (!cells.is_empty()).then(|| json!(cells))
            }
            Self::Error => Some(json!({"error": "#ERROR!"})),
        }
    }

    /// An empty cell equals `BLANK()`, `''`, `0` and `FALSE()`; a checkbox equals 1 and 0.
    pub(super) fn equals(&self, other: &Term) -> bool {
        match (self, other) {
            (Term::Text(a), Term::Text(b)) => a == b,
            (Term::Blank, Term::Text(text)) | (Term::Text(text), Term::Blank) => text.is_empty(),
            (Term::Text(_) | Term::List(_), _) | (_, Term::Text(_) | Term::List(_)) => {
                self.text() == other.text()
            }
            _ => self.number() == other.number(),
        }
    }

    /// Order of texts as text, of everything else as numbers; None if one is no number.
    pub(super) fn order(&self, other: &Term) -> Option<Ordering> {
        match (self, other) {
            (Term::Text(a), Term::Text(b)) => Some(a.cmp(b)),
            _ => self.number().partial_cmp(&other.number()),
        }
    }
}

/// The texts of the items with a separator between them.
pub(super) fn join(items: &[Term], separator: &str) -> String {
    let texts: Vec<String> = items.iter().map(Term::text).collect();
    texts.join(separator)
}
