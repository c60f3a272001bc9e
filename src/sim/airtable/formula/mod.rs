//! `filterByFormula`, as much of it as filters need: comparisons, AND, OR, NOT, IF, text and date functions.

mod parse;

use serde_json::{Value, json};

use super::base::{Record, Table};
use super::{computed, types};

/// A formula whose fields exist in its table.
pub(super) struct Formula(Node);

/// What a formula is evaluated on.
struct Row<'a> {
    table: &'a Table,
    record: &'a Record,
    depth: usize,
}

impl Row<'_> {
    fn cell(&self, field: &str) -> Term {
        let field = self.table.field(field);
        let value = field.and_then(|f| computed::cell(self.table, f, self.record, self.depth));
        value.map_or(Term::Blank, |value| Term::from_cell(&value))
    }
}

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

/// A cell as formulas and `cellFormat=string` read it.
pub(super) fn text(cell: &Value) -> String {
    Term::from_cell(cell).text()
}

impl Formula {
    /// Errors say what is wrong, as the end of Airtable's message.
    pub fn parse(text: &str, table: &Table) -> Result<Self, String> {
        parse::parse(text, table).map(Self)
    }

    pub fn matches(&self, table: &Table, record: &Record) -> bool {
        let depth = 0;
        eval(
            &self.0,
            &Row {
                table,
                record,
                depth,
            },
        )
        .is_true()
    }

    /// The cell of a formula field; None is an empty one. `depth`: formulas on the way to this one.
    pub fn value(&self, table: &Table, record: &Record, depth: usize) -> Option<Value> {
        match eval(
            &self.0,
            &Row {
                table,
                record,
                depth,
            },
        ) {
            Term::Blank => None,
            Term::Bool(yes) => Some(json!(u8::from(yes))),
            Term::Number(number) if number.is_nan() => Some(json!({"specialValue": "NaN"})),
            Term::Number(number) if number.is_infinite() => {
                let sign = if number < 0.0 { "-" } else { "" };
                Some(json!({"specialValue": format!("{sign}Infinity")}))
            }
            Term::Number(number) => Some(types::shortest(number)),
            Term::Text(text) => (!text.is_empty()).then(|| json!(text)),
        }
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

fn eval(node: &Node, row: &Row<'_>) -> Term {
    match node {
        Node::Constant(term) => term.clone(),
        Node::Cell(field) => row.cell(field),
        Node::Binary(left, operator, right) => {
            binary(&eval(left, row), *operator, &eval(right, row))
        }
        Node::Call(function, arguments) => call(*function, arguments, row),
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

fn call(function: Function, arguments: &[Node], row: &Row<'_>) -> Term {
    let term = |at: usize| arguments.get(at).map_or(Term::Blank, |n| eval(n, row));
    let dates = |order: fn(&String, &String) -> bool| match (term(0).date(), term(1).date()) {
        (Some(a), Some(b)) => Term::Bool(order(&a, &b)),
        _ => Term::Bool(false),
    };
    match function {
        Function::And => Term::Bool(arguments.iter().all(|n| eval(n, row).is_true())),
        Function::Or => Term::Bool(arguments.iter().any(|n| eval(n, row).is_true())),
        Function::Not => Term::Bool(!term(0).is_true()),
        Function::If => term(if term(0).is_true() { 1 } else { 2 }),
        Function::True => Term::Bool(true),
        Function::False => Term::Bool(false),
        Function::Blank => Term::Blank,
        Function::RecordId => Term::Text(row.record.id.clone()),
        Function::CreatedTime => Term::Text(row.record.created.clone()),
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
