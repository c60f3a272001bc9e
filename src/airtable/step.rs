//! What one column of a base is beside the schema, and what is to be done about it.

use serde::Serialize;

use super::field_type::{FieldType, FoundType};

/// What a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is missing, and `bootstrap` creates it.
    Create,
    /// It stays as it is.
    Keep,
    /// It is other than in the schema, which is fine.
    Accept,
    /// A person must change it in Airtable, because the API cannot.
    ByHand,
}

impl Sign {
    /// The mark of its lines: `+`, `=`, `~`, `!`.
    pub fn as_char(self) -> char {
        match self {
            Sign::Create => '+',
            Sign::Keep => '=',
            Sign::Accept => '~',
            Sign::ByHand => '!',
        }
    }
}

/// `column` is the name in the schema (for a foreign column, in the base), `name` the name in the base, `kind` the type
/// in the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The table of AIRTABLE_TABLE is not there yet.
    CreateTable { table: String },
    /// The column is not there yet.
    CreateColumn {
        column: String,
        #[serde(rename = "type")]
        kind: FieldType,
    },
    /// The column is as in the schema.
    Kept {
        column: String,
        #[serde(rename = "type")]
        kind: FieldType,
        field_id: String,
    },
    /// People renamed it; its ID is remembered.
    Renamed {
        column: String,
        name: String,
        #[serde(rename = "type")]
        kind: FieldType,
        field_id: String,
    },
    /// The key need not be the first column; the API cannot change that.
    NotPrimary {
        column: String,
        /// The name of the first column.
        primary: String,
    },
    /// Nothing can be written there: the API changes no types.
    WrongType {
        column: String,
        name: String,
        #[serde(rename = "type")]
        kind: FoundType,
        wanted: FieldType,
        field_id: String,
    },
    /// Values of these choices cannot be written: the API adds none.
    MissingChoice {
        column: String,
        name: String,
        #[serde(rename = "type")]
        kind: FieldType,
        choices: Vec<String>,
        field_id: String,
    },
    /// Its permissions kept AIRTABLE_TOKEN's user from editing it when it was last written.
    Locked {
        column: String,
        name: String,
        #[serde(rename = "type")]
        kind: FieldType,
        field_id: String,
    },
    /// A column of the users': never touched.
    Foreign {
        column: String,
        #[serde(rename = "type")]
        kind: FoundType,
        field_id: String,
    },
}

impl Step {
    /// What the step asks for.
    pub fn sign(&self) -> Sign {
        match self {
            Step::CreateTable { .. } | Step::CreateColumn { .. } => Sign::Create,
            Step::Kept { .. } | Step::Foreign { .. } => Sign::Keep,
            Step::Renamed { .. } | Step::NotPrimary { .. } => Sign::Accept,
            Step::WrongType { .. } | Step::MissingChoice { .. } | Step::Locked { .. } => {
                Sign::ByHand
            }
        }
    }

    /// The name in the schema; for a foreign column the one in the base, for a table the table's.
    pub fn column(&self) -> &str {
        match self {
            Step::CreateTable { table } => table,
            Step::CreateColumn { column, .. }
            | Step::Kept { column, .. }
            | Step::Renamed { column, .. }
            | Step::NotPrimary { column, .. }
            | Step::WrongType { column, .. }
            | Step::MissingChoice { column, .. }
            | Step::Locked { column, .. }
            | Step::Foreign { column, .. } => column,
        }
    }

    /// The step of a column that its permissions lock; `None`: there is another fault, or no such column.
    pub(super) fn locked(&self) -> Option<Step> {
        let (column, name, kind, field_id) = match self {
            Step::Kept {
                column,
                kind,
                field_id,
            } => (column, column, kind, field_id),
            Step::Renamed {
                column,
                name,
                kind,
                field_id,
            } => (column, name, kind, field_id),
            _ => return None,
        };
        Some(Step::Locked {
            column: column.clone(),
            name: name.clone(),
            kind: *kind,
            field_id: field_id.clone(),
        })
    }

    /// Whether nothing is left to do.
    pub fn is_ok(&self) -> bool {
        matches!(self.sign(), Sign::Keep | Sign::Accept)
    }
}
