//! Evaluating a formula on a row.

use serde_json::Value;

use super::functions::{aggregate, compare_dates, find};
use super::term::{Term, join};
use super::tree::{Function, Node, Operator};
use crate::airtable::base::Record;

/// Looks up the cell of the field with this id; None is an empty one.
type Cells<'a> = Box<dyn Fn(&str) -> Option<Value> + 'a>;

/// The record that a formula is evaluated for.
pub(in crate::airtable) struct Row<'a> {
    pub record: &'a Record,
    pub cell: Cells<'a>,
}

/// A row, and the looked-up cells of a rollup.
pub(super) struct Input<'a> {
    pub row: &'a Row<'a>,
    pub values: Option<&'a Value>,
}

impl Input<'_> {
    fn cell(&self, field: &str) -> Term {
        (self.row.cell)(field).map_or(Term::Blank, |value| Term::from_cell(&value))
    }
}

/// Evaluates a tree on its input.
pub(super) fn eval(node: &Node, input: &Input<'_>) -> Term {
    match node {
        Node::Constant(term) => term.clone(),
        Node::Cell(field) => input.cell(field),
        Node::Values => input.values.map_or(Term::Blank, Term::from_cell),
        Node::Binary(left, operator, right) => {
            binary(&eval(left, input), *operator, &eval(right, input))
        }
        Node::Call(function, arguments) => call(*function, arguments, input),
    }
}

fn binary(left: &Term, operator: Operator, right: &Term) -> Term {
    use Operator::*;
    if matches!((left, right), (Term::Error, _) | (_, Term::Error)) {
        return Term::Error;
    }
    let order = || left.order(right);
    match operator {
        Equal => Term::Bool(left.equals(right)),
        NotEqual => Term::Bool(!left.equals(right)),
        Less => Term::Bool(order().is_some_and(|order| order.is_lt())),
        LessOrEqual => Term::Bool(order().is_some_and(|order| order.is_le())),
        Greater => Term::Bool(order().is_some_and(|order| order.is_gt())),
        GreaterOrEqual => Term::Bool(order().is_some_and(|order| order.is_ge())),
        Join => Term::Text(left.text() + &right.text()),
        Add => Term::Number(left.number() + right.number()),
        Subtract => Term::Number(left.number() - right.number()),
        Multiply => Term::Number(left.number() * right.number()),
        Divide => Term::Number(left.number() / right.number()),
    }
}

fn call(function: Function, arguments: &[Node], input: &Input<'_>) -> Term {
    use Function::*;
    let term = |at: usize| arguments.get(at).map_or(Term::Blank, |n| eval(n, input));
    let text = |at: usize| term(at).text();
    match function {
        And => Term::Bool(arguments.iter().all(|n| eval(n, input).is_true())),
        Or => Term::Bool(arguments.iter().any(|n| eval(n, input).is_true())),
        Xor => {
            let true_ones = arguments.iter().filter(|n| eval(n, input).is_true());
            Term::Bool(true_ones.count() % 2 == 1)
        }
        Not => Term::Bool(!term(0).is_true()),
        If => term(if term(0).is_true() { 1 } else { 2 }),
        True => Term::Bool(true),
        False => Term::Bool(false),
        Blank => Term::Blank,
        Error => Term::Error,
        RecordId => Term::Text(input.row.record.id.clone()),
        CreatedTime => Term::Text(input.row.record.created.clone()),
        Lower => Term::Text(text(0).to_lowercase()),
        Upper => Term::Text(text(0).to_uppercase()),
        Trim => Term::Text(text(0).trim().to_owned()),
        Len => Term::Number(text(0).encode_utf16().count() as f64),
        Find => find(&text(0), &text(1)).map_or(Term::Number(0.0), Term::Number),
        Search => {
            find(&text(0).to_lowercase(), &text(1).to_lowercase()).map_or(Term::Blank, Term::Number)
        }
        Concatenate => Term::Text(join(&all(arguments, input), "")),
        Value => Term::Number(term(0).number()),
        DatetimeParse => term(0).date().map_or(Term::Blank, Term::Text),
        IsBefore | IsAfter | IsSame => compare_dates(function, &term(0), &term(1)),
        ArrayJoin => {
            let separator = arguments.get(1).map(|n| eval(n, input).text());
            let separator = separator.unwrap_or_else(|| ", ".to_owned());
            Term::Text(join(&term(0).items(), &separator))
        }
        Sum | Average | Max | Min | Count | CountA | CountAll | ArrayUnique | ArrayCompact => {
            aggregate(function, all(arguments, input))
        }
    }
}

/// The values of all arguments, with lists flattened.
fn all(arguments: &[Node], input: &Input<'_>) -> Vec<Term> {
    arguments
        .iter()
        .flat_map(|n| eval(n, input).items())
        .collect()
}
