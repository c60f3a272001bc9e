//! The outcome of an error for everything in the request.

use std::time::Duration;

use crate::{
    airtable::{Class, Error},
    pipeline::deliver::Outcome,
};

/// How often a wrong configuration is probed.
pub(super) const CONFIGURATION: Duration = Duration::from_secs(60);
/// How often a used-up plan is probed.
pub(super) const QUOTA: Duration = Duration::from_secs(3600);

/// The outcome of each delivery in a request that failed so.
pub(super) fn of(error: &Error) -> Outcome {
    let text = error.to_string();
    match error.class() {
        Class::Retry { after } => Outcome::Retry { after, error: text },
        Class::Locked { after } => Outcome::Retry {
            after: Some(after),
            error: text,
        },
        Class::Quota => Outcome::PauseSink {
            after: QUOTA,
            error: text,
        },
        // A probe asks our own ledger, so this sends nothing.
        Class::Spent { rest } => Outcome::PauseSink {
            after: rest,
            error: text,
        },
        Class::Configuration | Class::ColumnPermission { .. } => Outcome::PauseSink {
            after: CONFIGURATION,
            error: text,
        },
        Class::UnknownField => Outcome::Retry {
            after: None,
            error: text,
        },
        Class::Row { .. } | Class::Choice { .. } | Class::RowGone | Class::TooLarge => {
            Outcome::Dead { error: text }
        }
    }
}
