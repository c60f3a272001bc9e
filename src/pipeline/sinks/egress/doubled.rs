//! Another program also records the call: our egress is stopped. Egresses that others started are never stopped.

use jiff::Timestamp;

use super::{
    sink::{Egress, done},
    state::EgressState,
};
use crate::{
    domain::{Recording, call::ONE_RECORDER, event::Observation},
    pipeline::{
        deliver::{Attempt, Due},
        message,
    },
    store::DoubleRecording,
};

impl Egress {
    /// Records that our egress gives way to theirs. The next delivery stops it.
    pub(super) async fn give_way(
        &self,
        due: &Due,
        (ours, theirs): (&Recording, &Recording),
        now: Timestamp,
    ) -> Attempt {
        let call = &due.call;
        let who = call.agents_named();
        let double = DoubleRecording {
            call_id: call.id.to_string(),
            started_by: who.clone(),
        };
        // A failure must not delay the stop.
        if let Err(error) = self.store.note_double_recording(&double, now).await {
            tracing::warn!(%error, "a call that is recorded twice could not be noted for the alert");
        }
        tracing::warn!(
            call = %call.id, ours = %ours.egress_id, theirs = %theirs.egress_id,
            "the call is recorded twice: our recording is stopped and the one of {who} is followed. {ONE_RECORDER}"
        );
        let superseded = Observation::Superseded {
            egress_id: ours.egress_id.clone(),
            by: theirs.egress_id.clone(),
        };
        done(due).with_messages([message::observation(&call.id, &superseded, now)])
    }

    /// The egress of a start whose answer was lost, recognized by the key that only this start requested.
    pub(super) fn found_start(&self, due: &Due, now: Timestamp) -> Option<Attempt> {
        let state = EgressState::of(&due.delivery);
        let key = state.key.as_deref()?;
        let call = &due.call;
        let mut with_key = call.recordings.values().filter(|it| it.key == key);
        let (first, second) = (with_key.next()?, with_key.next());
        if second.is_some() || call.is_ours(first) {
            return None;
        }
        let egress_id = first.egress_id.clone();
        let started = message::observation(&call.id, &Observation::Started { egress_id }, now);
        Some(done(due).with_messages([started]))
    }
}
