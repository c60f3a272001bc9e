//! How an agent's report came: the agent sent it, or the agents SDK uploaded its session.

use serde::{Deserialize, Serialize};

/// How a report came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOrigin {
    /// `POST /v1/transcripts`; also what earlier versions stored.
    #[default]
    Sent,
    /// `POST /observability/…`: the agents SDK uploads a session by itself.
    Uploaded,
}

impl ReportOrigin {
    /// Whether the agent itself sent it.
    pub fn is_sent(&self) -> bool {
        *self == ReportOrigin::Sent
    }
}
