//! The outcome of one attempt of a delivery.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::store::InboxMessage;

/// How a try ended, as the sink sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// `again`: when it is due again without a change of the call, for a URL that expires.
    Delivered { again: Option<Timestamp> },
    /// There is nothing to send until the call changes.
    Skipped { reason: String },
    /// Nothing is wrong, it is only too early: no try.
    Wait { after: Duration },
    /// It may pass; without `after` the next try comes by backoff.
    Retry {
        after: Option<Duration>,
        error: String,
    },
    /// Manual action is needed for this call; it is probed after `after`.
    Park { after: Duration, error: String },
    /// Manual action is needed for the whole sink (a wrong key, no permission); one call probes it after `after`.
    PauseSink { after: Duration, error: String },
    /// The same try would fail again.
    Dead { error: String },
    /// Nothing was tried: the last try, which has failed permanently, still holds.
    StaysDead { error: String },
    /// Another process has taken the delivery over; nothing is written.
    Superseded,
}

/// Whether the other side was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contact {
    /// It was, or there was nothing to ask.
    #[default]
    Made,
    /// It did not answer this process; another process may reach it.
    Lost,
}

/// One call's try: its answer and what goes with it.
#[derive(Debug)]
pub struct Attempt {
    pub outcome: Outcome,
    /// The sink's state to store for this call.
    pub sink_state: Value,
    /// The sink's observations, for the inbox.
    pub messages: Vec<InboxMessage>,
    /// A warning about a delivery that succeeded, where nothing else reports it.
    pub warning: Option<String>,
    /// Whether the other side answered.
    pub contact: Contact,
    /// The HTTP status of the last answer that it got.
    pub http_status: Option<u16>,
    /// What it did, for people: `created the row`.
    pub action: Option<String>,
}

impl Attempt {
    /// A try that found out nothing.
    pub fn new(outcome: Outcome, sink_state: &Value) -> Attempt {
        Attempt {
            outcome,
            sink_state: sink_state.clone(),
            messages: Vec::new(),
            warning: None,
            contact: Contact::Made,
            http_status: None,
            action: None,
        }
    }

    /// The same, with the HTTP status of the other side's last answer.
    pub fn answered(self, http_status: Option<u16>) -> Attempt {
        Attempt {
            http_status,
            ..self
        }
    }

    /// The same, and what it did, for people: `created the row`.
    pub fn did(self, action: impl Into<String>) -> Attempt {
        Attempt {
            action: Some(action.into()),
            ..self
        }
    }

    /// The same, and whether the other side answered.
    pub fn with_contact(self, contact: Contact) -> Attempt {
        Attempt { contact, ..self }
    }

    /// Adds what the sink found out.
    pub fn with_messages(mut self, messages: impl IntoIterator<Item = InboxMessage>) -> Attempt {
        self.messages.extend(messages);
        self
    }
}
