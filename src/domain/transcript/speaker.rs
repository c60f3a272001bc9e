//! The sides of a conversation.

use serde::{Deserialize, Serialize};

/// Who speaks; other roles are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Caller,
}
