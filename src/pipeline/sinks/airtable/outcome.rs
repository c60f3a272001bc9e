//! What an error means for everything that was in the request.

use std::time::Duration;

use crate::{
    airtable::{Class, Error},
    pipeline::deliver::Answer,
};

/// How often a wrong configuration is probed.
pub(super) const CONFIGURATION: Duration = Duration::from_secs(60);
/// How often a used-up plan is probed.
pub(super) const QUOTA: Duration = Duration::from_secs(3600);

/// The outcome of each delivery in a request that failed so.
pub(super) fn of(error: &Error) -> Answer {
    let text = error.to_string();
    match error.class() {
        Class::Retry { after } => Answer::Retry { after, error: text },
        Class::Locked { after } => Answer::Retry {
            after: Some(after),
            error: text,
        },
        Class::Quota => Answer::Closed {
            after: QUOTA,
            error: text,
        },
        // A probe asks our own ledger, so this sends nothing.
        Class::Spent { rest } => Answer::Closed {
            after: rest,
            error: text,
        },
        Class::Configuration => Answer::Closed {
            after: CONFIGURATION,
            error: text,
        },
        Class::UnknownField => Answer::Retry {
            after: None,
            error: text,
        },
        Class::Row { .. } | Class::Choice { .. } | Class::RowGone | Class::TooLarge => {
            Answer::Dead { error: text }
        }
    }
}
