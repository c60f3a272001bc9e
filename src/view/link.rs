//! A link that plays a recording.

use jiff::Timestamp;
use serde::Serialize;

/// What `calls link --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView<'a> {
    pub call_id: &'a str,
    pub egress_id: &'a str,
    pub url: &'a str,
    /// Null for a permanent link.
    pub expires_at: Option<Timestamp>,
}
