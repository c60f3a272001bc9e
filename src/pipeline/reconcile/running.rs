//! Rooms with an egress that LiveKit lists as running.

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    domain::{Call, Room},
    livekit::body,
};

/// A room that was not listed for this long counts as closed although an egress of it is listed as running: LiveKit lists
/// the egress of a crashed worker as running forever.
pub(super) const HOPELESS: SignedDuration = SignedDuration::from_hours(24);

/// The rooms and IDs of running egresses; `None`: LiveKit did not list its egresses.
pub(super) struct Running(Option<Vec<(Room, String)>>);

impl Running {
    /// From a list's EgressInfos, as JSON; `None` without a list.
    pub(super) fn new(infos: Option<&[String]>) -> Running {
        let running = |info: &String| {
            let info = serde_json::from_str::<Value>(info).ok()?;
            let id = info["egressId"].as_str().unwrap_or_default();
            Some((body::running(&info)?, id.to_owned()))
        };
        Running(infos.map(|infos| infos.iter().filter_map(running).collect()))
    }

    /// LiveKit lists a running egress of the call, and no event ended it.
    pub(super) fn has_one(&self, call: &Call) -> bool {
        let ended = |id: &str| {
            call.recordings
                .get(id)
                .is_some_and(|it| it.status.is_over())
        };
        let runs = |(room, id): &(Room, String)| is_of(room, call) && !ended(id);
        let running = self.0.as_ref();
        running.is_some_and(|running| running.iter().any(runs))
    }

    /// LiveKit lists no running egress of the call.
    pub(super) fn has_none(&self, call: &Call) -> bool {
        self.0.is_some() && !self.has_one(call)
    }
}

fn is_of(room: &Room, call: &Call) -> bool {
    match room.sid.is_empty() {
        true => !room.name.is_empty() && room.name == call.room_name,
        false => room.sid == call.id,
    }
}
