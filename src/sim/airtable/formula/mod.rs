//! `filterByFormula`, as much of it as filters need: comparisons, AND, OR, NOT, IF, text and date functions.

mod parse;

use serde_json::Value;

use super::base::{Record, Table};
use super::types;

/// A formula whose fields exist in its table.
pub(super) struct Formula(Node);

#[derive(Debug)]
enum Node {
    Constant(Term),
    /// A field's id.
    Cell(String),
    Binary(Box<Node>, Operator, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Blank,
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    And,
    Or,
    Not,
    If,
    True,
    False,
    Blank,
    RecordId,
    CreatedTime,
    Lower,
    Upper,
    Trim,
    Len,
    Find,
    Search,
    Value,
    DatetimeParse,
    IsBefore,
    IsAfter,
    IsSame,
}

impl Formula {
    /// Errors say what is wrong, as the end of Airtable's message.
    pub fn parse(text: &str, table: &Table) -> Result<Self, String> {
        parse::parse(text, table).map(Self)
    }

    pub fn matches(&self, record: &Record) -> bool {
        eval(&self.0, record).is_true()
    }
}

impl Term {
    fn is_true(&self) -> bool {
        match self {
            Self::Blank => false,
            Self::Bool(yes) => *yes,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Blank => String::new(),
            Self::Bool(yes) => u8::from(*yes).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Blank => 0.0,
            Self::Bool(yes) => f64::from(u8::from(*yes)),
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }

    /// A date as Airtable prints it, so that text order is the order in time.
    fn date(&self) -> Option<String> {
        types::date_time(&Value::String(self.text()), &None)?
            .as_str()
            .map(str::to_owned)
    }

    /// A cell: lists are joined, attachments stand for their file names.
    fn from_cell(value: &Value) -> Self {
        match value {
            Value::Null => Self::Blank,
            Value::Bool(yes) => Self::Bool(*yes),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|i| Self::from_cell(i).text()).collect();
                Self::Text(items.join(", "))
            }
            Value::Object(object) => {
                let name = object.get("filename").or(object.get("name"));
                name.map_or(Self::Blank, Self::from_cell)
            }
        }
    }
}

fn eval(node: &Node, record: &Record) -> Term {
    match node {
        Node::Constant(term) => term.clone(),
        Node::Cell(field) => record.cells.get(field).map_or(Term::Blank, Term::from_cell),
        Node::Binary(left, operator, right) => {
            binary(&eval(left, record), *operator, &eval(right, record))
        }
        Node::Call(function, arguments) => call(*function, arguments, record),
    }
}

fn binary(left: &Term, operator: Operator, right: &Term) -> Term {
    use Operator::*;
    match operator {
        Equal => Term::Bool(equal(left, right)),
        NotEqual => Term::Bool(!equal(left, right)),
        Less | LessOrEqual | Greater | GreaterOrEqual => {
            let order = match (left, right) {
                (Term::Text(a), Term::Text(b)) => Some(a.cmp(b)),
                _ => left.number().partial_cmp(&right.number()),
            };
            Term::Bool(order.is_some_and(|order| match operator {
                Less => order.is_lt(),
                LessOrEqual => order.is_le(),
                Greater => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        Join => Term::Text(left.text() + &right.text()),
        Add => Term::Number(left.number() + right.number()),
        Subtract => Term::Number(left.number() - right.number()),
        Multiply => Term::Number(left.number() * right.number()),
        Divide => Term::Number(left.number() / right.number()),
    }
}

/// An empty cell equals `BLANK()`, `''`, `0` and `FALSE()`; a checkbox equals 1 and 0.
fn equal(left: &Term, right: &Term) -> bool {
    match (left, right) {
        (Term::Text(a), Term::Text(b)) => a == b,
        (Term::Blank, Term::Text(text)) | (Term::Text(text), Term::Blank) => text.is_empty(),
        (Term::Text(_), _) | (_, Term::Text(_)) => left.text() == right.text(),
        _ => left.number() == right.number(),
    }
}

fn call(function: Function, arguments: &[Node], record: &Record) -> Term {
    let term = |at: usize| arguments.get(at).map_or(Term::Blank, |n| eval(n, record));
    let dates = |order: fn(&String, &String) -> bool| match (term(0).date(), term(1).date()) {
        (Some(a), Some(b)) => Term::Bool(order(&a, &b)),
        _ => Term::Bool(false),
    };
    match function {
        Function::And => Term::Bool(arguments.iter().all(|n| eval(n, record).is_true())),
        Function::Or => Term::Bool(arguments.iter().any(|n| eval(n, record).is_true())),
        Function::Not => Term::Bool(!term(0).is_true()),
        Function::If => term(if term(0).is_true() { 1 } else { 2 }),
        Function::True => Term::Bool(true),
        Function::False => Term::Bool(false),
        Function::Blank => Term::Blank,
        Function::RecordId => Term::Text(record.id.clone()),
        Function::CreatedTime => Term::Text(record.created.clone()),
        Function::Lower => Term::Text(term(0).text().to_lowercase()),
        Function::Upper => Term::Text(term(0).text().to_uppercase()),
        Function::Trim => Term::Text(term(0).text().trim().to_owned()),
        Function::Len => Term::Number(term(0).text().encode_utf16().count() as f64),
        Function::Find | Function::Search => find(function, &term(0).text(), &term(1).text()),
        Function::Value => Term::Number(term(0).number()),
        Function::DatetimeParse => term(0).date().map_or(Term::Blank, Term::Text),
        Function::IsBefore => dates(|a, b| a < b),
        Function::IsAfter => dates(|a, b| a > b),
        Function::IsSame => dates(|a, b| a == b),
    }
}

/// Places count from 1. Nowhere: FIND gives 0, SEARCH, which takes any case, an empty value.
fn find(function: Function, needle: &str, text: &str) -> Term {
    let (needle, text) = match function {
        Function::Search => (needle.to_lowercase(), text.to_lowercase()),
        _ => (needle.to_owned(), text.to_owned()),
    };
    match text.find(&needle) {
        Some(at) => Term::Number((text[..at].encode_utf16().count() + 1) as f64),
        None if function == Function::Search => Term::Blank,
        None => Term::Number(0.0),
    }
}
