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
    /// What the sender of a report may have meant instead: in a query, a `+` becomes a blank. The first name with a call
    /// counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<RoomName>,
    #[serde(default)]
    pub metadata: String,
    /// The agent's job in it, from agent_job_* events.
    #[serde(default)]
    pub job: AgentJob,
    /// `creationTimeMs`, or `creationTime` in whole seconds.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

impl Room {
    /// The name, and what the sender may have meant instead.
    pub fn names(&self) -> impl Iterator<Item = &RoomName> {
        std::iter::once(&self.name).chain(&self.other_names)
    }

    /// The name under which a message waits for a call; the sid, if it has one.
    pub fn awaited_name(&self) -> RoomName {
        if !self.sid.is_empty() {
            return self.sid.as_str().into();
        }
        match self.other_names.is_empty() {
            true => self.name.clone(),
            false => with_blanks(&self.name).into(),
        }
    }
}

/// The name with a blank for each `+`: the same for all names that the sender of a report may have meant.
pub fn with_blanks(name: &str) -> String {
    name.replace('+', " ")
}

/// An agent's job. Ordered, so that of two events with the same time the same one wins in either order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct AgentJob {
    /// `AJ_…`
    pub id: String,
    /// The metadata that the agent was dispatched with.
    pub metadata: String,
}
