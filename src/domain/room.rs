//! The LiveKit room that an event names, and the agent job in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{CallId, RoomName};

/// The room that an event names, as far as the event names it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Room {
    /// `RM_…`; empty when only the name is known.
    #[serde(default)]
    pub sid: CallId,
    #[serde(default)]
    pub name: RoomName,
    #[serde(default)]
    pub metadata: String,
    /// The agent's job in it, from agent_job_* events.
    #[serde(default)]
    pub job: AgentJob,
    /// `creationTimeMs`, or `creationTime` in whole seconds.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// An agent's job. Ordered, so that of two events with the same time the same one wins in either order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct AgentJob {
    /// `AJ_…`
    pub id: String,
    /// The metadata that the agent was dispatched with.
    pub metadata: String,
}
