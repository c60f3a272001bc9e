//! What a base stores of its webhooks.

use serde_json::Value;

/// The webhooks of a base.
#[derive(Clone, Default)]
pub(super) struct Webhooks {
    pub all: Vec<Webhook>,
    /// How many writes have changed records since the base has webhooks.
    pub transactions: u64,
    /// Notifications that a write has queued for sending.
    pub to_send: Vec<Notification>,
}

/// One webhook with every payload that it has collected.
#[derive(Clone)]
pub(super) struct Webhook {
    /// `ach…`
    pub id: String,
    pub url: Option<String>,
    /// As the client sent it: filters and includes.
    pub specification: Value,
    /// In base64.
    pub secret: String,
    /// Whether notifications are enabled.
    pub notifies: bool,
    /// As the API prints it.
    pub expires: String,
    /// Oldest first; the cursor counts them from 1.
    pub payloads: Vec<Value>,
}

/// The request to a webhook's URL. It says that there are new payloads; the receiver fetches them.
#[derive(Clone)]
pub(super) struct Notification {
    pub url: String,
    /// In base64.
    pub secret: String,
    pub body: Value,
}
