//! A start after another program has ended its egress: only if people stay in the room.

use std::time::Duration;

use jiff::Timestamp;

use super::sink::Egress;
use crate::{
    domain::{Call, call::RecordingRequest, participant::Participant},
    livekit::client::Error,
    pipeline::{budget::until, presence::occupants},
};

/// How soon LiveKit is asked again whether anybody is in the room.
const AGAIN: Duration = Duration::from_secs(5);

impl Egress {
    /// How long such a start waits; `None`: it is not one, or people are in the room.
    pub(super) async fn awaits_people(
        &self,
        call: &Call,
        pending_request: &RecordingRequest,
        now: Timestamp,
    ) -> Result<Option<Duration>, Error> {
        let handed_back_at = call.handed_back_at().filter(|_| call.is_open());
        let is_standing = pending_request.is_standing();
        let Some(at) = handed_back_at.filter(|_| is_standing) else {
            return Ok(None);
        };
        let left = until(at, now);
        if !left.is_zero() {
            // LiveKit's clock may be ahead of ours.
            return Ok(Some(left.min(AGAIN)));
        }
        let here = occupants(&self.client, &call.room_name).await?;
        Ok((!here.iter().any(Participant::is_person)).then_some(AGAIN))
    }
}
