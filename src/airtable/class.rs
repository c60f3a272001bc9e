//! What an error means for whoever sent the request.

use std::time::Duration;

/// What to do about an error: [`super::Refusal`] and [`super::Error`] decide which it is, the caller acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Retry, after `after` if Airtable said so. Safe, because writes are keyed.
    Retry { after: Option<Duration> },
    /// Too many requests: the entire base is locked for that long, and [`super::Client`] itself delays all calls.
    Locked { after: Duration },
    /// The plan's monthly requests or its records are used up: wait, and probe rarely.
    Quota,
    /// AIRTABLE_MONTHLY_REQUESTS are used up; nothing was sent, and a new month starts after `rest`.
    Spent { rest: Duration },
    /// Token, scope, base or table: nothing works until a person acts. The error's text names the variable.
    Configuration,
    /// Airtable does not take a value. `column`: the field id or name that it names, which need not be one of ours.
    Row { column: Option<String> },
    /// The permissions of columns do not let the token's user write them. `columns`: their IDs or names, which need not be
    /// ours.
    ColumnPermission { columns: Vec<String> },
    /// Airtable rejects a value that is not a choice of its select column; it does not name the column.
    Choice { choice: String },
    /// The remembered record ID no longer exists: upsert by key.
    RowGone,
    /// A field no longer exists: read the schema again.
    UnknownField,
    /// The request is too large: halve the batch.
    TooLarge,
}

/// The permission that a request needs; an error message names its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whose token it is; every token may.
    ReadUser,
    ReadRecords,
    WriteRecords,
    ReadSchema,
    WriteSchema,
    CreateBase,
}

impl Access {
    /// The scope as spelled on Airtable's token page.
    pub fn scope(self) -> &'static str {
        match self {
            Access::ReadUser => "user.email:read",
            Access::ReadRecords => "data.records:read",
            Access::WriteRecords => "data.records:write",
            Access::ReadSchema => "schema.bases:read",
            Access::WriteSchema | Access::CreateBase => "schema.bases:write",
        }
    }
}
