//! Formulas, as much of them as filters, rollups and simple formula fields need: comparisons, logic, text, dates, lists.

mod function;
mod parse;
mod term;

use serde_json::Value;

use super::base::{Place, Table};
use super::computed;
use function::Function;
use term::Term;

/// A formula whose fields exist in its table.
pub(super) struct Formula(Node);

/// What a formula is evaluated on.
struct Row<'a> {
    place: Place<'a>,
    /// What `values` stands for in a rollup.
    values: Option<&'a Value>,
    /// Computed fields on the way to this one.
    depth: usize,
}

impl Row<'_> {
    fn cell(&self, field: &str) -> Term {
        let field = self.place.table.field(field);
        let value = field.and_then(|f| computed::cell(self.place, f, self.depth));
        value.map_or(Term::Blank, |value| Term::from_cell(&value))
    }
}

#[derive(Debug)]
enum Node {
    Constant(Term),
    /// A field's id.
    Cell(String),
    /// Of the linked records, in a rollup.
    Values,
    Binary(Box<Node>, Operator, Box<Node>),
    Call(Function, Vec<Node>),
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

/// A cell as formulas and `cellFormat=string` read it.
pub(super) fn text(cell: &Value) -> String {
    Term::from_cell(cell).text()
}

impl Formula {
    /// Errors say what is wrong, as the end of Airtable's message.
    pub fn parse(text: &str, table: &Table) -> Result<Self, String> {
        parse::formula(text, table).map(Self)
    }

    /// A rollup's, with the word `values` in it.
    pub fn parse_rollup(text: &str, table: &Table) -> Result<Self, String> {
        parse::rollup(text, table).map(Self)
    }

    pub fn matches(&self, place: Place<'_>) -> bool {
        let row = Row {
            place,
            values: None,
            depth: 0,
        };
        eval(&self.0, &row).is_true()
    }

    /// The cell of a formula field or a rollup; None is an empty one. `depth`: computed fields on the way to this one.
    pub fn cell(&self, place: Place<'_>, values: Option<&Value>, depth: usize) -> Option<Value> {
        let row = Row {
            place,
            values,
            depth,
        };
        eval(&self.0, &row).cell()
    }
}

fn eval(node: &Node, row: &Row<'_>) -> Term {
    match node {
        Node::Constant(term) => term.clone(),
        Node::Cell(field) => row.cell(field),
        Node::Values => row.values.map_or(Term::Blank, Term::from_cell),
        Node::Binary(left, operator, right) => {
            binary(&eval(left, row), *operator, &eval(right, row))
        }
        Node::Call(function, arguments) => function::call(*function, arguments, row),
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
