//! Simulated calls, which get neither a recording nor a row of their own unless RECORD_SIMULATIONS is on.

use super::state::Call;
use crate::domain::{
    participant::Participant,
    policy::{Policy, Simulations},
    recording::Recording,
};

impl Call {
    /// A participant of an event: one simulator makes the call a simulated one.
    pub(super) fn merge_simulator(&mut self, policy: &Policy, participant: &Participant) {
        let is_ignored = policy.simulations == Simulations::Ignored;
        self.simulated |= participant.is_simulator && is_ignored;
    }

    /// Our recording of a simulated call, which is stopped. What others started runs on.
    pub(super) fn is_needless(&self, recording: &Recording) -> bool {
        self.simulated && self.is_ours(recording)
    }
}
