//! The calls whose writes a proxy or firewall has refused since a write last got through: a few may be its objection to
//! their contents, many different ones are a block of all writes.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// After refusals for this many different calls, without a write that gets through, all writes count as refused.
pub(super) const MANY: usize = 5;
/// No more are kept: they only have to be many.
const KEPT: usize = 100;

/// Shared by the batches of a process.
#[derive(Default)]
pub struct RefusedWrites(Mutex<BTreeSet<String>>);

impl RefusedWrites {
    /// Notes a refused write for this call. Returns for how many different calls writes were refused.
    pub(super) fn note(&self, call_id: &str) -> usize {
        let mut calls = self.calls();
        if calls.len() < KEPT {
            calls.insert(call_id.to_owned());
        }
        calls.len()
    }

    /// A write got through.
    pub(super) fn clear(&self) {
        self.calls().clear();
    }

    /// For how many different calls writes were refused.
    pub(super) fn count(&self) -> usize {
        self.calls().len()
    }

    fn calls(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
