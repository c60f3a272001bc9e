//! Tokens for `/v1` and `/metrics`: API_TOKEN and API_TOKENS.

use std::{collections::BTreeSet, str::FromStr};

use secrecy::SecretString;

use super::name::{UnknownName, by_name};

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Reading calls and the details of `/readyz`, without the words.
    Read,
    /// Reading transcripts.
    Words,
    /// Starting and stopping recordings.
    Record,
    /// Sending transcripts.
    Transcripts,
    /// `/metrics`.
    Metrics,
    /// Having messages sent again. No request needs it yet.
    Redrive,
    /// Erasing calls. No request needs it yet.
    Erase,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 7] = [
        Scope::Read,
        Scope::Words,
        Scope::Record,
        Scope::Transcripts,
        Scope::Metrics,
        Scope::Redrive,
        Scope::Erase,
    ];

    /// Its name in API_TOKENS.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Words => "words",
            Scope::Record => "record",
            Scope::Transcripts => "transcripts",
            Scope::Metrics => "metrics",
            Scope::Redrive => "redrive",
            Scope::Erase => "erase",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Scope, UnknownName> {
        by_name(&Scope::ALL, Scope::as_str, name)
    }
}

/// A token with its name, which may be shown.
#[derive(Clone)]
pub struct ApiToken {
    /// Unique; `API_TOKEN` for the token of that variable.
    pub name: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// What the `Authorization` header holds after `Bearer `.
    pub token: SecretString,
}
