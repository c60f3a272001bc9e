//! The functions that formulas may call.

use super::term::{Term, join};
use super::{Node, Row, eval};

/// Those of filters, of rollups and of simple formulas; not all that Airtable has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Function {
    And,
    Or,
    Xor,
    Not,
    If,
    True,
    False,
    Blank,
    Error,
    RecordId,
    CreatedTime,
    Lower,
    Upper,
    Trim,
    Len,
    Find,
    Search,
    Concatenate,
    Value,
    DatetimeParse,
    IsBefore,
    IsAfter,
    IsSame,
    Sum,
    Average,
    Max,
    Min,
    Count,
    CountA,
    CountAll,
    ArrayJoin,
    ArrayUnique,
    ArrayCompact,
}

impl Function {
    /// By its name in any case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "AND" => Self::And,
            "OR" => Self::Or,
            "XOR" => Self::Xor,
            "NOT" => Self::Not,
            "IF" => Self::If,
            "TRUE" => Self::True,
            "FALSE" => Self::False,
            "BLANK" => Self::Blank,
            "ERROR" => Self::Error,
            "RECORD_ID" => Self::RecordId,
            "CREATED_TIME" => Self::CreatedTime,
            "LOWER" => Self::Lower,
            "UPPER" => Self::Upper,
            "TRIM" => Self::Trim,
            "LEN" => Self::Len,
            "FIND" => Self::Find,
            "SEARCH" => Self::Search,
            "CONCATENATE" => Self::Concatenate,
            "VALUE" => Self::Value,
            "DATETIME_PARSE" => Self::DatetimeParse,
            "IS_BEFORE" => Self::IsBefore,
            "IS_AFTER" => Self::IsAfter,
            "IS_SAME" => Self::IsSame,
            "SUM" => Self::Sum,
            "AVERAGE" => Self::Average,
            "MAX" => Self::Max,
            "MIN" => Self::Min,
            "COUNT" => Self::Count,
            "COUNTA" => Self::CountA,
            "COUNTALL" => Self::CountAll,
            "ARRAYJOIN" => Self::ArrayJoin,
            "ARRAYUNIQUE" => Self::ArrayUnique,
            "ARRAYCOMPACT" => Self::ArrayCompact,
            _ => return None,
        })
    }
}

pub(super) fn call(function: Function, arguments: &[Node], row: &Row<'_>) -> Term {
    use Function::*;
    let term = |at: usize| arguments.get(at).map_or(Term::Blank, |n| eval(n, row));
    let text = |at: usize| term(at).text();
    match function {
        And => Term::Bool(arguments.iter().all(|n| eval(n, row).is_true())),
        Or => Term::Bool(arguments.iter().any(|n| eval(n, row).is_true())),
        Xor => {
            let true_ones = arguments.iter().filter(|n| eval(n, row).is_true());
            Term::Bool(true_ones.count() % 2 == 1)
        }
        Not => Term::Bool(!term(0).is_true()),
        If => term(if term(0).is_true() { 1 } else { 2 }),
        True => Term::Bool(true),
        False => Term::Bool(false),
        Blank => Term::Blank,
        Error => Term::Error,
        RecordId => Term::Text(row.place.record.id.clone()),
        CreatedTime => Term::Text(row.place.record.created.clone()),
        Lower => Term::Text(text(0).to_lowercase()),
        Upper => Term::Text(text(0).to_uppercase()),
        Trim => Term::Text(text(0).trim().to_owned()),
        Len => Term::Number(text(0).encode_utf16().count() as f64),
        Find => find(&text(0), &text(1)).map_or(Term::Number(0.0), Term::Number),
        Search => {
            find(&text(0).to_lowercase(), &text(1).to_lowercase()).map_or(Term::Blank, Term::Number)
        }
        Concatenate => Term::Text(join(&all(arguments, row), "")),
        Value => Term::Number(term(0).number()),
        DatetimeParse => term(0).date().map_or(Term::Blank, Term::Text),
        IsBefore | IsAfter | IsSame => dates(function, &term(0), &term(1)),
        ArrayJoin => {
            let separator = arguments.get(1).map(|n| eval(n, row).text());
            let separator = separator.unwrap_or_else(|| ", ".to_owned());
            Term::Text(join(&term(0).items(), &separator))
        }
        Sum | Average | Max | Min | Count | CountA | CountAll | ArrayUnique | ArrayCompact => {
            aggregate(function, all(arguments, row))
        }
    }
}

/// What all arguments hold, lists unfolded.
fn all(arguments: &[Node], row: &Row<'_>) -> Vec<Term> {
    arguments
        .iter()
        .flat_map(|n| eval(n, row).items())
        .collect()
}

fn dates(function: Function, left: &Term, right: &Term) -> Term {
    let (Some(left), Some(right)) = (left.date(), right.date()) else {
        return Term::Bool(false);
    };
    Term::Bool(match function {
        Function::IsBefore => left < right,
        Function::IsAfter => left > right,
        _ => left == right,
    })
}

/// One value of many. Numbers are reckoned with numbers alone; an error spoils all.
fn aggregate(function: Function, items: Vec<Term>) -> Term {
    if items.contains(&Term::Error) {
        return Term::Error;
    }
    let numbers = items.iter().filter(|item| !matches!(item, Term::Text(_)));
    let numbers: Vec<f64> = numbers.map(Term::number).collect();
    let sum: f64 = numbers.iter().sum();
    match function {
        Function::Sum => Term::Number(sum),
        Function::Average => Term::Number(sum / numbers.len() as f64),
        Function::Max => Term::Number(numbers.into_iter().reduce(f64::max).unwrap_or(0.0)),
        Function::Min => Term::Number(numbers.into_iter().reduce(f64::min).unwrap_or(0.0)),
        Function::Count => Term::Number(numbers.len() as f64),
        Function::CountA => Term::Number(items.iter().filter(|i| i.is_true()).count() as f64),
        Function::CountAll => Term::Number(items.len() as f64),
        Function::ArrayUnique => {
            let mut unique = Vec::new();
            for item in items {
                if !unique.contains(&item) {
                    unique.push(item);
                }
            }
            Term::List(unique)
        }
        _ => Term::List(items.into_iter().filter(Term::is_true).collect()),
    }
}

/// Where it begins, counted from 1.
fn find(needle: &str, text: &str) -> Option<f64> {
    let at = text.find(needle)?;
    Some((text[..at].encode_utf16().count() + 1) as f64)
}
