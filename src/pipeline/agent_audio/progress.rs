//! What is known of the files of the spool until they are deleted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{Call, CallId},
    spool::SpoolFile,
};

/// By the ids of their messages.
#[derive(Default)]
pub(super) struct Progress(Mutex<State>);

#[derive(Default)]
struct State {
    /// When files are looked at again.
    due: BTreeMap<String, Timestamp>,
    /// What went wrong when they were last looked at.
    errors: BTreeMap<String, String>,
    /// Of each call, the file that was uploaded last.
    uploaded: BTreeMap<CallId, String>,
}

impl Progress {
    /// Forgets files that are not there any more.
    pub(super) fn retain(&self, files: &[SpoolFile]) {
        let there: BTreeSet<&str> = files.iter().map(|file| file.message_id.as_str()).collect();
        let mut state = self.state();
        state.due.retain(|id, _| there.contains(id.as_str()));
        state.errors.retain(|id, _| there.contains(id.as_str()));
        state.uploaded.retain(|_, id| there.contains(id.as_str()));
    }

    /// Forgets a file that was deleted.
    pub(super) fn forget(&self, file: &SpoolFile) {
        let mut state = self.state();
        state.due.remove(&file.message_id);
        state.errors.remove(&file.message_id);
    }

    /// The file is looked at again after `wait`.
    pub(super) fn put_off(&self, file: &SpoolFile, wait: Duration, now: Timestamp) {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let due = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        self.state().due.insert(file.message_id.clone(), due);
    }

    /// Whether the file is to be looked at.
    pub(super) fn is_due(&self, file: &SpoolFile, now: Timestamp) -> bool {
        let state = self.state();
        let due = state.due.get(&file.message_id);
        due.is_none_or(|due| *due <= now)
    }

    /// Notes whether looking at the file went well.
    pub(super) fn looked(&self, file: &SpoolFile, result: anyhow::Result<()>) {
        let mut state = self.state();
        match result {
            Ok(()) => state.errors.remove(&file.message_id),
            Err(error) => state
                .errors
                .insert(file.message_id.clone(), format!("{error:#}")),
        };
    }

    /// What is wrong with the oldest file with which something is.
    pub(super) fn error(&self) -> Option<String> {
        self.state().errors.values().next().cloned()
    }

    /// The bucket has the file.
    pub(super) fn uploaded(&self, call: &Call, file: &SpoolFile) {
        let id = file.message_id.clone();
        self.state().uploaded.insert(call.id.clone(), id);
    }

    /// Whether the call does not know yet that the bucket has another file of it. Until then, a file with the same audio, or of the
    /// same size, could not be distinguished from that one.
    pub(super) fn must_learn(&self, call: &Call, file: &SpoolFile) -> bool {
        let state = self.state();
        let last = state.uploaded.get(&call.id);
        last.is_some_and(|last| *last != file.message_id && !call.has_stored_audio_of(last))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
