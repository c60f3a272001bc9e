//! Functions of values alone.

use super::term::Term;
use super::tree::Function;

/// `IS_BEFORE`, `IS_AFTER` and `IS_SAME`; false unless both are dates.
pub(super) fn compare_dates(function: Function, left: &Term, right: &Term) -> Term {
    let (Some(left), Some(right)) = (left.date(), right.date()) else {
        return Term::Bool(false);
    };
    Term::Bool(match function {
        Function::IsBefore => left < right,
        Function::IsAfter => left > right,
        _ => left == right,
    })
}

/// One value of many. Texts do not count as numbers; an error makes the result an error.
pub(super) fn aggregate(function: Function, items: Vec<Term>) -> Term {
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

/// Where `needle` begins in `text`, in UTF-16 units from 1.
pub(super) fn find(needle: &str, text: &str) -> Option<f64> {
    let at = text.find(needle)?;
    Some((text[..at].encode_utf16().count() + 1) as f64)
}
