//! An egress that left its room without an end: its process was killed, or its report is still to come.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    sink::{Egress, OK, done, left, retry, wait},
    state::EgressState,
};
use crate::{
    domain::{EventPayload, Recording, Room, event::Observation},
    livekit::{body, client::Egresses},
    pipeline::{
        deliver::{Attempt, Due},
        message,
    },
};

/// How long LiveKit may take to report the end of an egress that has left its room.
const REPORT: SignedDuration = SignedDuration::from_secs(10);

impl Egress {
    /// Waits for the report, then asks LiveKit. Marks the recording as lost if LiveKit still lists it as running.
    pub(super) async fn look_for_end(
        &self,
        due: &Due,
        (recording, left_at): (&Recording, Timestamp),
        now: Timestamp,
    ) -> Attempt {
        let call = &due.call;
        if let Some(after) = left(left_at, REPORT, now) {
            return wait(due, after);
        }
        let listed = match self.client.list(Some(&call.room_name), Egresses::All).await {
            Ok(listed) => listed,
            Err(error) => return retry(&error, EgressState::of(&due.delivery)),
        };
        let info = listed.into_iter().find(|info| says_more(info, recording));
        if let Some(info) = info {
            let found = done(due).with_messages([message::egress(info, now)]);
            return found.did("asked how the recording has ended").answered(OK);
        }
        tracing::warn!(
            call = %call.id, egress = %recording.egress_id,
            "the egress left the room without an end, its process may have been killed: the recording is marked lost and started again"
        );
        let egress_id = recording.egress_id.clone();
        let lost = Observation::EgressLost { egress_id };
        done(due)
            .with_messages([message::observation(&call.id, &lost, now)])
            .did("marked the recording as lost")
            .answered(OK)
    }
}

/// Whether this entry of LiveKit's list is the recording, ended or ending.
fn says_more(info: &str, known: &Recording) -> bool {
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    match body::egress(&info, Room::default()) {
        EventPayload::Egress { recording, .. } => {
            recording.egress_id == known.egress_id
                && recording.status > known.status
                && known.learns_from(&recording)
        }
        _ => false,
    }
}
