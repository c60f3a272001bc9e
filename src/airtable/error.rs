//! What Airtable refuses, and what that means: for the row, the base, or the configuration.

use std::fmt;
use std::time::Duration;

use super::body;

/// What to do about an error. Decided here, acted on by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Try again, `after` that long if Airtable said so. Safe, because writes are keyed.
    Retry { after: Option<Duration> },
    /// Too many requests: the whole base is locked that long, and [`super::Client`] holds every call back itself.
    Locked { after: Duration },
    /// The plan's monthly requests or its records are used up: park, do not hammer.
    Quota,
    /// AIRTABLE_MONTHLY_REQUESTS are used up; nothing was sent, and a new month begins after `rest`.
    Spent { rest: Duration },
    /// Token, scope, base or table: nothing works until a person acts. The error's text names the variable.
    Configuration,
    /// Airtable does not take a value. `column`: the field id or name it
    /// complains about, if it names one; look whether it is one of ours.
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

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, a reset, or no whole answer within 30 s.
    #[error("Airtable did not answer{}", unreached(.0))]
    Unreachable(#[source] reqwest::Error),
    /// Nothing was sent.
    #[error(
        "AIRTABLE_API_URL is no address, or AIRTABLE_TOKEN holds characters that a header cannot"
    )]
    Unsendable(#[source] reqwest::Error),
    /// A success whose body is not what the API promises: a proxy's page, or cut short.
    #[error("Airtable's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// A success that leaves out a row it was sent.
    #[error("Airtable's answer leaves out a row it was sent")]
    Incomplete,
    #[error("{0}")]
    Refused(Refusal),
    /// Nothing was sent.
    #[error(
        "AIRTABLE_MONTHLY_REQUESTS: this month's {limit} requests are used up; everything waits for the next month (UTC), or raise it and restart"
    )]
    Spent { limit: u64, rest: Duration },
    /// Nothing was sent.
    #[error("a request could not be counted in the database, so it was not sent")]
    Uncounted(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "AIRTABLE_TABLE: the base has no table {table:?}; run `livekit-airtable bootstrap` to create it"
    )]
    NoTable { table: String },
    /// An id cannot be created, only a name can.
    #[error(
        "AIRTABLE_TABLE: the base AIRTABLE_BASE_ID has no table of the id {table}; give its name or another id"
    )]
    NoTableId { table: String },
    #[error(
        "the table {table:?} has no column {column:?}, which finds a call's row again; run `livekit-airtable bootstrap`"
    )]
    NoKey { table: String, column: String },
    #[error(
        "the column {column:?} is {found} and must be {wanted}, because it finds a call's row again; rename it in Airtable and run `livekit-airtable bootstrap`"
    )]
    KeyType {
        column: String,
        found: String,
        wanted: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Error::Unreachable(_)
            | Error::Unreadable(_)
            | Error::Incomplete
            | Error::Uncounted(_) => Class::Retry { after: None },
            Error::Spent { rest, .. } => Class::Spent { rest: *rest },
            Error::Refused(refusal) => refusal.class(),
            Error::Unsendable(_)
            | Error::NoTable { .. }
            | Error::NoTableId { .. }
            | Error::NoKey { .. }
            | Error::KeyType { .. } => Class::Configuration,
        }
    }

    /// The HTTP status of a refusal; none when there was no answer, or Airtable refused nothing.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

/// Why there was no connection: a name that nobody knows, a port where nobody listens, a certificate.
fn unreached(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return " within 30 s".into();
    }
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match error.is_connect() {
        true => format!(": {root}"),
        false => String::new(),
    }
}

/// An answer that is not a success, in Airtable's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub access: Access,
    pub status: u16,
    /// Airtable's type, as `INVALID_VALUE_FOR_COLUMN`; empty when the body is not Airtable's.
    pub kind: String,
    /// Airtable's message word for word; for a body that is not Airtable's, what it is.
    pub message: String,
    /// `Retry-After`; after a 429 what the client waits, jitter included.
    pub after: Option<Duration>,
}

/// What a base does after a 429 before anything succeeds again (documented).
pub(super) const LOCKOUT: Duration = Duration::from_secs(30);

impl Refusal {
    pub(super) fn new(
        access: Access,
        status: u16,
        body: &[u8],
        after: Option<Duration>,
    ) -> Refusal {
        let (kind, message) = body::refusal(body);
        Refusal {
            access,
            status,
            kind,
            message,
            after,
        }
    }

    pub fn class(&self) -> Class {
        match (self.status, self.kind.as_str()) {
            (_, kind) if is_quota(kind) => Class::Quota,
            (402, _) => Class::Quota,
            (400..500, "ROW_DOES_NOT_EXIST") => Class::RowGone,
            (403 | 404, _) if body::names_record(&self.message) => Class::RowGone,
            (400..500, "UNKNOWN_FIELD_NAME") => Class::UnknownField,
            // A redirect, which is not followed: what is asked there is not Airtable's API.
            (300..=399 | 401 | 403 | 404, _) => Class::Configuration,
            (413, _) => Class::TooLarge,
            (429, _) => Class::Locked {
                after: self.after.unwrap_or(LOCKOUT),
            },
            // A 400 without a type of Airtable's comes from something between, and says nothing about the row.
            (400, "") => Class::Retry { after: self.after },
            (400 | 422, kind) => match body::choice(kind, &self.message) {
                Some(choice) => Class::Choice { choice },
                None => Class::Row {
                    column: body::column(&self.message),
                },
            },
            _ => Class::Retry { after: self.after },
        }
    }

    /// What a person looks at, by status: 401 the token, 403 scope and access, 404 the ids.
    fn advice(&self) -> String {
        let scope = self.access.scope();
        let table = match self.access {
            Access::ReadRecords | Access::WriteRecords => {
                ", and AIRTABLE_TABLE is a table of that base"
            }
            Access::ReadSchema | Access::WriteSchema | Access::CreateBase => "",
        };
        match self.status {
            403 | 404 if self.access == Access::CreateBase => format!(
                "look whether AIRTABLE_TOKEN has the scope {scope} and access to the whole workspace, whose id (wsp…) is in its address in the browser"
            ),
            300..=399 => "look whether AIRTABLE_API_URL is right, with https: it leads to another address, and a token must not follow"
                .to_string(),
            401 => "AIRTABLE_TOKEN is not a valid token; make one at airtable.com/create/tokens"
                .to_string(),
            403 => format!(
                "look whether AIRTABLE_TOKEN has the scope {scope} and access to the base, AIRTABLE_BASE_ID is that base{table}"
            ),
            _ => format!("look whether AIRTABLE_BASE_ID is right{table}"),
        }
    }
}

/// A plan's limits: the monthly requests (seen live) and, by whatever name, the records of a base.
fn is_quota(kind: &str) -> bool {
    let records = kind.contains("RECORD") || kind.contains("ROW_") || kind.contains("PLAN");
    kind.contains("BILLING_LIMIT") || (records && kind.contains("LIMIT"))
}

const OVER_PLAN: &str = "Airtable's plan is used up (its requests of this month, or its records); upgrade the workspace, delete rows \
                         or wait for the next month, it is tried again each hour: Airtable says ";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            Class::Configuration => write!(f, "{}: Airtable says ", self.advice())?,
            Class::Quota => f.write_str(OVER_PLAN)?,
            Class::Locked { after } => write!(
                f,
                "too many requests, so every row of this base waits {} s: Airtable says ",
                after.as_secs()
            )?,
            Class::TooLarge => f.write_str("the row is too large for Airtable: ")?,
            _ => {}
        }
        match (self.kind.as_str(), self.message.as_str()) {
            ("", message) => write!(f, "{} ({message})", self.status),
            (kind, "") => write!(f, "{} {kind}", self.status),
            (kind, message) => write!(f, "{} {kind}: {message}", self.status),
        }
    }
}
