//! The values that formulas reckon with.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::airtable::types;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Blank,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Of a lookup, a multiple select, links; never with lists or blanks in it.
    List(Vec<Term>),
    /// What has no value, and gives none to whatever is made from it.
    Error,
}

impl Term {
    pub fn is_true(&self) -> bool {
        match self {
            Self::Blank | Self::Error => false,
            Self::Bool(yes) => *yes,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Bool(yes) => u8::from(*yes).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(items) => join(items, ", "),
            Self::Error => "#ERROR!".to_owned(),
        }
    }

    /// NaN where it is none. A list of one thing is that thing.
    pub fn number(&self) -> f64 {
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

    /// A date as Airtable prints it, so that text order is the order in time.
    pub fn date(&self) -> Option<String> {
        types::date_time(&Value::String(self.text()), &None)?
            .as_str()
            .map(str::to_owned)
    }

    /// The things in it: those of a list, none of a blank, else itself.
    pub fn items(self) -> Vec<Term> {
        match self {
            Self::Blank => Vec::new(),
            Self::List(items) => items,
            one => vec![one],
        }
    }

    /// A cell: attachments and people stand for their names.
    pub fn from_cell(value: &Value) -> Self {
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

    /// The cell of a computed field; None is an empty one.
    pub fn cell(&self) -> Option<Value> {
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
    pub fn equals(&self, other: &Term) -> bool {
        match (self, other) {
            (Term::Text(a), Term::Text(b)) => a == b,
            (Term::Blank, Term::Text(text)) | (Term::Text(text), Term::Blank) => text.is_empty(),
            (Term::Text(_) | Term::List(_), _) | (_, Term::Text(_) | Term::List(_)) => {
                self.text() == other.text()
            }
            _ => self.number() == other.number(),
        }
    }

    pub fn order(&self, other: &Term) -> Option<Ordering> {
        match (self, other) {
            (Term::Text(a), Term::Text(b)) => Some(a.cmp(b)),
            _ => self.number().partial_cmp(&other.number()),
        }
    }
}

pub(super) fn join(items: &[Term], separator: &str) -> String {
    let texts: Vec<String> = items.iter().map(Term::text).collect();
    texts.join(separator)
}
