//! What a person reads: an alert fires, or it is resolved.

use jiff::SignedDuration;

use super::{condition::Condition, text::rounded};

/// One message of an alert. `condition` is the key of its [`ConditionKind`](super::condition::ConditionKind).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Notification {
    Firing { condition: String, text: String },
    Resolved { condition: String, text: String },
}

impl Notification {
    /// The condition's text in one piece.
    pub(super) fn firing(condition: &Condition) -> Notification {
        Notification::Firing {
            condition: condition.kind.to_string(),
            text: condition.text.to_string(),
        }
    }

    /// `summary`: what was wrong; `lasted`: from the first check that found it to the last.
    pub(super) fn resolved(condition: &str, summary: &str, lasted: SignedDuration) -> Notification {
        Notification::Resolved {
            condition: condition.to_owned(),
            text: format!("Resolved after {}: {summary}.", rounded(lasted)),
        }
    }

    /// The sentences for people.
    pub(super) fn text(&self) -> &str {
        match self {
            Notification::Firing { text, .. } | Notification::Resolved { text, .. } => text,
        }
    }

    /// Writes it to the log.
    pub(super) fn log(&self) {
        match self {
            Notification::Firing { condition, text } => tracing::warn!(condition, "{text}"),
            Notification::Resolved { condition, text } => tracing::info!(condition, "{text}"),
        }
    }
}
