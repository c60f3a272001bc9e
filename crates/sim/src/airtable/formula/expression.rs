//! A formula, ready to be evaluated.

use serde_json::Value;

use super::eval::{Input, Row, eval};
use super::parse;
use super::term::Term;
use super::tree::Node;
use crate::airtable::base::Table;

/// A formula whose fields exist in its table.
pub(in crate::airtable) struct Formula(Node);

impl Formula {
    /// Parses a filter or the formula of a field. The error is the end of Airtable's message.
    pub(in crate::airtable) fn parse(text: &str, table: &Table) -> Result<Self, String> {
        parse::formula(text, table).map(Self)
    }

    /// Parses the formula of a rollup, in which `values` is a word.
    pub(in crate::airtable) fn parse_rollup(text: &str, table: &Table) -> Result<Self, String> {
        parse::rollup(text, table).map(Self)
    }

    /// Whether the row passes this filter.
    pub(in crate::airtable) fn matches(&self, row: &Row<'_>) -> bool {
        eval(&self.0, &Input { row, values: None }).is_true()
    }

    /// The cell of a formula field or a rollup; None is an empty one.
    pub(in crate::airtable) fn cell(&self, row: &Row<'_>, values: Option<&Value>) -> Option<Value> {
        eval(&self.0, &Input { row, values }).cell()
    }
}

/// A cell as `cellFormat=string` prints it and as lists sort it.
pub(in crate::airtable) fn text(cell: &Value) -> String {
    Term::from_cell(cell).text()
}
