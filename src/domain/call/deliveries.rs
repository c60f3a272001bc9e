//! Which sinks a call's state concerns.

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{recording::Recording, sink::Sink};

/// A delivery that a change of the call makes due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owed {
    pub sink: Sink,
    /// The egress id, for sinks that work by recording; else empty.
    pub part: String,
}

impl Call {
    /// Who must hear of this call as it is now. `began_at`: what ended before is history.
    pub fn owed(&self, began_at: Timestamp) -> Vec<Owed> {
        let owe = |sink, part: &str| Owed {
            sink,
            part: part.to_owned(),
        };
        let mut owed = vec![owe(Sink::Airtable, "")];
        if self.wish().is_some() || !self.to_stop().is_empty() {
            owed.push(owe(Sink::Egress, ""));
        }
        for recording in self.recordings.values() {
            let id = &recording.egress_id;
            if self.must_look_for(recording) {
                owed.push(owe(Sink::Storage, id));
            }
            // The mirror is told of recordings as they end.
            if self.has_ended(recording) && !self.is_history(recording, began_at) {
                owed.push(owe(Sink::Mirror, id));
            }
        }
        owed
    }

    /// What was found in the bucket, and what had ended when the service first ran.
    fn is_history(&self, recording: &Recording, began_at: Timestamp) -> bool {
        let ended_at = recording.ended_at.or(self.ended_at());
        recording.was_found() || ended_at.is_some_and(|ended_at| ended_at < began_at)
    }
}
