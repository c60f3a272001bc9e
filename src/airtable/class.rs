//! What an error means for whoever sent the request.

use std::time::Duration;

/// What to do about an error. Decided here, acted on by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Try again, `after` that long if Airtable said so. Safe, because writes are keyed.
    Retry { after: Option<Duration> },
    /// Too many requests: the whole base is locked that long, and [`super::Client`] holds every call back itself.
    Locked { after: Duration },
    /// The plan's monthly requests or its records are used up: wait, and probe rarely.
    Quota,
    /// AIRTABLE_MONTHLY_REQUESTS are used up; nothing was sent, and a new month begins after `rest`.
    Spent { rest: Duration },
    /// Token, scope, base or table: nothing works until a person acts. The error's text names the variable.
    Configuration,
    /// Airtable does not take a value. `column`: the field id or name that it names, which need not be one of ours.
    Row { column: Option<String> },
    /// Airtable does not take a value that is no choice of its select column, which it does not name.
    Choice { choice: String },
    /// The remembered record id is gone: upsert by key.
    RowGone,
    /// A field is gone: read the schema again.
    UnknownField,
    /// The request is too big: halve the batch.
    TooLarge,
}

/// The right a request needs; a refusal names its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadRecords,
    WriteRecords,
    ReadSchema,
    WriteSchema,
    CreateBase,
}

impl Access {
    /// The scope as Airtable's token page spells it.
    pub fn scope(self) -> &'static str {
        match self {
            Access::ReadRecords => "data.records:read",
            Access::WriteRecords => "data.records:write",
            Access::ReadSchema => "schema.bases:read",
            Access::WriteSchema | Access::CreateBase => "schema.bases:write",
        }
    }
}
