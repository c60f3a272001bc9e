//! A link that plays a recording.

use jiff::Timestamp;
use serde::Serialize;

/// The output of `calls unlink --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnlinkView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// Links that were made before have ended.
    pub revoked_at: Timestamp,
}

/// The output of `calls link --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// `EG_…`
    pub egress_id: &'a str,
    /// Plays the recording; a secret of whoever has it.
    pub url: &'a str,
    /// Null for a link that never expires.
    pub expires_at: Option<Timestamp>,
}
