//! Stored values that this version does not know: a newer version wrote them, or somebody by hand. They are errors that
//! name the row, and are never read as something else.

/// A value that is not in its column's closed set, or cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{row} has {column} {problem}")]
pub struct UnknownValue {
    /// The row in words, for example `message 0199…` or `delivery airtable of call RM_1`.
    row: String,
    /// The column in words.
    column: &'static str,
    /// The value and why it cannot be read.
    problem: String,
}

/// How much of a value an error quotes.
const QUOTED_CHARS: usize = 60;

impl UnknownValue {
    /// A value that is none of the column's names; its beginning is quoted.
    pub(super) fn name(row: String, column: &'static str, value: &str) -> UnknownValue {
        let quoted: String = value.chars().take(QUOTED_CHARS).collect();
        let problem = format!("{quoted}, which this version does not know");
        UnknownValue {
            row,
            column,
            problem,
        }
    }

    /// JSON of another shape. Only the place is named, for the text may hold what people said.
    pub(super) fn json(
        row: String,
        column: &'static str,
        error: &serde_json::Error,
    ) -> UnknownValue {
        let problem = format!(
            "in JSON that this version cannot read ({:?} error at byte {})",
            error.classify(),
            error.column()
        );
        UnknownValue {
            row,
            column,
            problem,
        }
    }

    /// Base64 that cannot be decoded.
    pub(super) fn base64(row: String, column: &'static str) -> UnknownValue {
        let problem = "in base64 that cannot be decoded".to_owned();
        UnknownValue {
            row,
            column,
            problem,
        }
    }
}
