//! What a request to Airtable can fail with.

use std::time::Duration;

use super::class::Class;
use super::field_type::{FieldType, FoundType};
use super::refusal::Refusal;

/// What a request to Airtable failed with, or why its base cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, a reset, or no complete answer within 30 s.
    #[error("Airtable did not answer{}", unreached(.0))]
    Unreachable(#[source] reqwest::Error),
    /// Nothing was sent.
    #[error(
        "AIRTABLE_API_URL is not a URL, or AIRTABLE_TOKEN has characters that a header cannot hold"
    )]
    Unsendable(#[source] reqwest::Error),
    /// A successful response whose body is not what the API promises: a proxy's page, or truncated.
    #[error("Airtable's response cannot be parsed")]
    Unreadable(#[source] serde_json::Error),
    /// A successful response that is longer than any of Airtable's.
    #[error(
        "Airtable's response has more than 32 MiB, which is not read: check AIRTABLE_API_URL, and whether a proxy answers in its place"
    )]
    TooLong,
    /// A successful response that lacks a row that was sent.
    #[error("Airtable's response is missing a row that was sent")]
    Incomplete,
    /// An answer that is not a success.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Nothing was sent, and the next month begins after `rest`.
    #[error(
        "AIRTABLE_MONTHLY_REQUESTS: this month's {limit} requests are used up; deliveries wait until next month (UTC), or raise the limit and restart"
    )]
    Spent { limit: u64, rest: Duration },
    /// Nothing was sent.
    #[error("a request could not be counted in the database, so it was not sent")]
    Uncounted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It can be created.
    #[error(
        "AIRTABLE_TABLE: the base has no table {table:?}; run `livekit-airtable bootstrap` to create it"
    )]
    NoTable { table: String },
    /// A table ID cannot be created, only a name can.
    #[error(
        "AIRTABLE_TABLE: the base AIRTABLE_BASE_ID has no table with the ID {table}; set its name or another ID"
    )]
    NoTableId { table: String },
    /// No row can be written without its key column.
    #[error(
        "the table {table:?} has no column {column:?}, which identifies the row of a call; run `livekit-airtable bootstrap`"
    )]
    NoKey { table: String, column: String },
    /// The API changes no types.
    #[error(
        "the column {column:?} is {found} and must be {wanted}, because it identifies the row of a call; rename it in Airtable and run `livekit-airtable bootstrap`"
    )]
    KeyType {
        column: String,
        found: FoundType,
        wanted: FieldType,
    },
}

impl Error {
    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Error::Unreachable(_)
            | Error::Unreadable(_)
            | Error::Incomplete
            | Error::TooLong
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

    /// What Airtable refused; none when there was no answer, or Airtable refused nothing.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether a proxy or firewall refused a write; see [`Refusal::is_of_an_intermediary`].
    pub fn is_of_an_intermediary(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_of_an_intermediary)
    }

    /// Whether it may concern only new rows; see [`Refusal::may_concern_creates`].
    pub fn may_concern_creates(&self) -> bool {
        self.refusal().is_some_and(Refusal::may_concern_creates)
    }

    /// Whether Airtable says that there is no room for more records.
    pub fn is_record_limit(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_record_limit)
    }

    /// The HTTP status of an error response; `None` if there was no response or no error response.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

/// Why there was no connection: an unknown host, a closed port, a certificate.
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
