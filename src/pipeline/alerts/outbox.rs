//! The active alerts and the messages that ALERT_WEBHOOK_URL has not taken yet, as the database keeps them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{firing::ActiveAlerts, notification::Notification};

/// Messages that wait for ALERT_WEBHOOK_URL; older ones are dropped, and counted.
const CAPACITY: usize = 20;

/// What was alerted, and what is still to be sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Outbox {
    #[serde(rename = "alarms")]
    pub(super) active: ActiveAlerts,
    #[serde(rename = "outbox")]
    messages: Vec<String>,
    #[serde(rename = "left_out")]
    dropped: u64,
    /// When the deliveries that wait were last logged.
    #[serde(rename = "said_at")]
    pub(super) logged_at: Option<Timestamp>,
    /// The database does not have this state yet.
    #[serde(skip)]
    pub(super) unsaved: bool,
}

impl Outbox {
    /// Adds a message, and drops the oldest ones if there are too many.
    pub(super) fn push(&mut self, notification: &Notification) {
        self.messages.push(notification.text().to_owned());
        let surplus = self.messages.len().saturating_sub(CAPACITY);
        self.messages.drain(..surplus);
        self.dropped += surplus as u64;
    }

    /// The oldest message, as it is sent.
    pub(super) fn next(&self) -> Option<String> {
        let text = self.messages.first()?;
        let dropped = match self.dropped {
            0 => String::new(),
            count => format!(" ({count} messages before this one were dropped.)"),
        };
        Some(format!("livekit-airtable: {text}{dropped}"))
    }

    /// Removes the oldest message, which was sent.
    pub(super) fn sent(&mut self) {
        self.messages.remove(0);
        self.dropped = 0;
    }
}
