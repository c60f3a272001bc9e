//! Formulas, as much of them as filters, rollups and simple formula fields need: comparisons, logic, text, dates, lists.

mod eval;
mod expression;
mod functions;
mod parse;
mod term;
mod tree;

pub(super) use eval::Row;
pub(super) use expression::{Formula, text};
