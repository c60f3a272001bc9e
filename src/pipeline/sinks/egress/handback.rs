//! A start after another program has ended its egress: only if people stay in the room.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::sink::Egress;
use crate::{
    domain::{Call, call::RecordingRequest},
    livekit::{body, client::Error},
    pipeline::presence::occupants,
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
        let is_standing = pending_request.asked_at.is_none();
        let Some(at) = handed_back_at.filter(|_| is_standing) else {
            return Ok(None);
        };
        let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if !left.is_zero() {
            // LiveKit's clock may be ahead of ours.
            return Ok(Some(left.min(AGAIN)));
        }
        let infos = occupants(&self.client, &call.room_name).await?;
        let is_person = |info: &String| {
            let info: Value = serde_json::from_str(info).unwrap_or_default();
            body::participant(&info).is_person()
        };
        Ok((!infos.iter().any(is_person)).then_some(AGAIN))
    }
}
