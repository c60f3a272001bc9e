//! Which sinks a call's state concerns.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{recording::Recording, sink::Sink};

/// A delivery that a change of the call makes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDelivery {
    pub sink: Sink,
    /// The egress ID, for sinks that work per recording; otherwise empty.
    pub item: String,
}

impl Call {
    /// The deliveries that this call makes due. `began_at`: what ended before is history.
    pub fn due_deliveries(&self, began_at: Timestamp) -> Vec<DueDelivery> {
        let due = |sink, item: &str| DueDelivery {
            sink,
            item: item.to_owned(),
        };
        let mut due_deliveries = vec![due(Sink::Airtable, "")];
        if self.needs_livekit() {
            due_deliveries.push(due(Sink::Egress, ""));
        }
        // A simulated call is sent to nobody.
        for recording in self.recordings.values().filter(|_| !self.simulated) {
            let id = &recording.egress_id;
            if self.must_look_for(recording) {
                due_deliveries.push(due(Sink::Storage, id));
            }
            // The mirror is notified of recordings as they end.
            let mirrored = self.is_mirrored(recording) && !self.is_history(recording, began_at);
            if self.has_ended(recording) && mirrored {
                due_deliveries.push(due(Sink::Mirror, id));
            }
        }
        due_deliveries
    }

    /// Whether a recording must be started, stopped or looked up at LiveKit.
    fn needs_livekit(&self) -> bool {
        self.pending_request().is_some()
            || !self.to_stop().is_empty()
            || self.doubled().is_some()
            || self.left_by_recorder().is_some()
    }

    /// Recordings that were found in the bucket, without agents' audio, and recordings that had ended when the service first
    /// ran.
    fn is_history(&self, recording: &Recording, began_at: Timestamp) -> bool {
        let ended_at = recording.ended_at.or(self.ended_at());
        let is_found = recording.was_found() && !recording.is_agent_audio();
        is_found || ended_at.is_some_and(|ended_at| ended_at < began_at)
    }
}
