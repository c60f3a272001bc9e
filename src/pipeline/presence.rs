//! Whether a call's room is open, in LiveKit's words: a list of rooms may be old, cut off or empty, so people in a room
//! that is not listed count as well.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::message;
use crate::{
    domain::{Call, event::Observation},
    livekit::{
        body,
        client::{Client, Error, ErrorKind, OpenRoom},
    },
    store::InboxMessage,
};

/// What LiveKit's answers say of a call's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is listed, or a participant of the call is in it.
    Open,
    /// Another session has its name now.
    Replaced,
    /// It is not listed, but somebody whom the call does not know is in a room of its name.
    Unclear,
    /// It is not listed, and nobody is in a room of its name.
    Absent,
}

/// What one list says; `None`: it holds no room of that name.
pub(super) fn listed(rooms: &[OpenRoom], call: &Call) -> Option<Presence> {
    if rooms.iter().any(|room| room.sid == call.id) {
        return Some(Presence::Open);
    }
    let named = |room: &OpenRoom| !room.name.is_empty() && room.name == call.room_name;
    rooms.iter().any(named).then_some(Presence::Replaced)
}

/// Asks for the room by its name, and for the people in it if it is not listed.
pub(super) async fn presence(client: &Client, call: &Call) -> Result<Presence, Error> {
    let rooms = client.rooms(&[&call.room_name]).await?;
    match listed(&rooms, call) {
        Some(presence) => Ok(presence),
        None => people(client, call).await,
    }
}

/// What the people say who are in an unlisted room of this call's name.
pub(super) async fn people(client: &Client, call: &Call) -> Result<Presence, Error> {
    let people = occupants(client, &call.room_name).await?;
    let is_known = |info: &String| {
        let info: Value = serde_json::from_str(info).unwrap_or_default();
        let sid = body::participant(&info).sid;
        call.participants.contains_key(&sid)
    };
    Ok(match people.as_slice() {
        [] => Presence::Absent,
        people if people.iter().any(is_known) => Presence::Open,
        _ => Presence::Unclear,
    })
}

/// The participants of the room with this name. LiveKit Cloud answers 404 for a room that is not open, a server of your
/// own with an empty list.
pub(super) async fn occupants(client: &Client, room_name: &str) -> Result<Vec<String>, Error> {
    if room_name.is_empty() {
        return Ok(Vec::new());
    }
    match client.participants(room_name).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        answer => answer,
    }
}

/// A list lacks the room of an open call.
pub(super) fn missing(call: &Call, now: Timestamp) -> InboxMessage {
    let at = after_alive(call, now);
    message::observation(&call.id, &Observation::RoomMissing, at)
}

/// Later than every sign of life, also after the clock was set back.
pub(super) fn after_alive(call: &Call, now: Timestamp) -> Timestamp {
    let alive = call.alive_at.map(|at| at + SignedDuration::from_millis(1));
    alive.map_or(now, |after| now.max(after))
}
