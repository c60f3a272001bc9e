//! The tree of a parsed formula.

use super::term::Term;

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Term),
    /// The cell of the field with this id.
    Cell(String),
    /// The word `values` of a rollup: the looked-up cells of the linked records.
    Values,
    Binary(Box<Node>, Operator, Box<Node>),
    Call(Function, Vec<Node>),
}

/// A binary operator; `Join` is `&`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operator {
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

/// The functions that filters, rollups and simple formulas use; Airtable has more.
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
    /// Finds a function by its name, ignoring case.
    pub(super) fn named(name: &str) -> Option<Self> {
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
