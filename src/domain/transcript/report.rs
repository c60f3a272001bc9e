//! What an agent reports of its session.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub speaker: Speaker,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Who speaks; other roles are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Caller,
}

/// The conversation: turns, or the plain text that an agent sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcript {
    Turns(Vec<Turn>),
    Text(String),
}

impl Default for Transcript {
    fn default() -> Self {
        Transcript::Turns(Vec::new())
    }
}

/// One report of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The report's own `timestamp`.
    pub at: Option<Timestamp>,
    pub transcript: Transcript,
    /// The rest of the report (usage, close_reason, a summary …), without the conversation and the events.
    pub fields: Map<String, Value>,
}
