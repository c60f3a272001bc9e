//! What this run has created and not removed yet.

use std::sync::{Mutex, PoisonError};

/// Something that a check has created, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trace {
    /// By its name.
    Room(String),
    /// By its id.
    Egress(String),
    /// By its key.
    Object(String),
    /// The row with the run's id in this table and key column.
    Row { table_id: String, key_id: String },
}

/// All of them; noted before they are created.
#[derive(Debug, Default)]
pub(super) struct Traces(Mutex<Vec<Trace>>);

impl Traces {
    /// It is about to be created.
    pub(super) fn add(&self, trace: Trace) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(trace);
    }

    /// It was removed.
    pub(super) fn remove(&self, trace: &Trace) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one != trace);
    }

    /// What is left, the newest first: an egress is in a room.
    pub(super) fn left(&self) -> Vec<Trace> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().rev().cloned().collect()
    }
}
