//! A cell of a call's row in Airtable, beside what this service writes there.

use serde_json::Value;

/// What this service writes into a cell, and what Airtable has in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedCell {
    /// The column's name in the schema.
    pub column: String,
    /// Null: an empty cell. `None`: a link or its end, which are new with each write.
    pub ours: Option<Value>,
    /// Null: an empty cell.
    pub theirs: Value,
    /// Who may see the values.
    pub content: CellContent,
    /// How they differ.
    pub difference: CellDifference,
}

/// How private the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellContent {
    /// Times, counts, states.
    Plain,
    /// The name of a room, which may have the number of a caller in it.
    Room,
    /// Names and numbers of people.
    Private,
    /// Opens a recording or words to whoever has it.
    Link,
    /// What was said, or may have been.
    Words,
}

/// How a cell differs from what this service writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellDifference {
    /// It does not.
    None,
    /// Airtable has another value than it was sent: somebody or something changed it.
    Edited,
    /// The value is newer than what was sent.
    Unsent,
    /// Airtable refused the value.
    Refused,
}
