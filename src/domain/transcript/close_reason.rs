//! Why an agent's session was closed, as its report spells it.

use serde_json::Value;

/// Why an agent's session was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    Error,
    JobShutdown,
    ParticipantDisconnected,
    UserInitiated,
    TaskCompleted,
}

impl CloseReason {
    /// `participant_disconnected` of an event, or `CR_PARTICIPANT_DISCONNECTED` of a report, where task_completed is
    /// `CR_COMPLETED`. `None` for reasons that this version does not know.
    pub(super) fn read(value: &Value) -> Option<CloseReason> {
        let name = value.as_str()?.trim().to_ascii_lowercase();
        match name.strip_prefix("cr_").unwrap_or(&name) {
            "error" => Some(CloseReason::Error),
            "job_shutdown" => Some(CloseReason::JobShutdown),
            "participant_disconnected" => Some(CloseReason::ParticipantDisconnected),
            "user_initiated" => Some(CloseReason::UserInitiated),
            "task_completed" | "completed" => Some(CloseReason::TaskCompleted),
            _ => None,
        }
    }
}
