//! How far an egress has come.

use serde::{Deserialize, Serialize};

/// LiveKit's `EgressStatus`, in the order of an egress's life. An unknown status counts as active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EgressStatus {
    #[default]
    Starting,
    Active,
    Ending,
    Aborted,
    Failed,
    LimitReached,
    Complete,
}

impl EgressStatus {
    /// Every status.
    pub const ALL: [EgressStatus; 7] = [
        EgressStatus::Starting,
        EgressStatus::Active,
        EgressStatus::Ending,
        EgressStatus::Aborted,
        EgressStatus::Failed,
        EgressStatus::LimitReached,
        EgressStatus::Complete,
    ];

    /// The egress has ended, whatever its end.
    pub fn is_over(self) -> bool {
        self >= EgressStatus::Aborted
    }

    /// The status in the mirror's requests and in `/v1`.
    pub fn as_str(self) -> &'static str {
        match self {
            EgressStatus::Starting => "starting",
            EgressStatus::Active => "active",
            EgressStatus::Ending => "ending",
            EgressStatus::Aborted => "aborted",
            EgressStatus::Failed => "failed",
            EgressStatus::LimitReached => "limit_reached",
            EgressStatus::Complete => "complete",
        }
    }
}
