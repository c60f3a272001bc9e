//! The name of a process: of its own lease, and in what it has claimed.

use std::sync::Arc;

use uuid::Uuid;

/// What the names of processes begin with; no job's does.
pub(super) const PROCESS: &str = "process:";

/// A new name, short because every message has it.
pub(super) fn new_name() -> Arc<str> {
    let random = Uuid::new_v4().simple().to_string();
    format!("{PROCESS}{}", &random[..16]).into()
}
