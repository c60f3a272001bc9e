//! Whether a call's room is open, according to LiveKit. A list of rooms may be outdated, truncated or empty, so the
//! participants of an unlisted room count as well.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::message;
use crate::{
    domain::{Call, event::Observation, participant::Participant},
    livekit::{
        body,
        client::{Client, Error, ErrorKind, OpenRoom},
    },
    store::InboxMessage,
};

/// The state of a call's room in LiveKit's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is listed, or a participant of the call is in it.
    Open,
    /// Another session has its name now.
    Replaced,
    /// It is not listed, but a participant whom the call does not know is in a room with its name, or the list has an
    /// earlier session of that name.
    Unclear,
    /// It is not listed, and nobody is in a room with its name.
    Absent,
}

/// The state according to one list; `None`: the list has no room with that name.
fn listed(rooms: &[OpenRoom], call: &Call) -> Option<Presence> {
    if rooms.iter().any(|room| room.sid == call.id) {
        return Some(Presence::Open);
    }
    let named = |room: &&OpenRoom| !room.name.is_empty() && room.name == call.room_name;
    let named = rooms.iter().filter(named);
    named
        .map(|room| match is_later(room, call) {
            true => Presence::Replaced,
            false => Presence::Unclear,
        })
        .min_by_key(|presence| *presence != Presence::Replaced)
}

/// Whether this room of the same name was opened after the call's. An outdated list has earlier ones, or lacks their sids.
fn is_later(room: &OpenRoom, call: &Call) -> bool {
    let opened_at = Timestamp::from_millisecond(room.creation_time_ms).ok();
    let opened_at = opened_at.filter(|at| *at > Timestamp::UNIX_EPOCH);
    let is_earlier = opened_at.is_some_and(|at| Some(at) < call.created_at);
    !room.sid.is_empty() && !is_earlier
}

/// Asks for the room by name, and for its participants if it is not listed.
pub(super) async fn presence(client: &Client, call: &Call) -> Result<Presence, Error> {
    let rooms = client.rooms(&[&call.room_name]).await?;
    among(&rooms, client, call).await
}

/// The state according to these rooms; if the call's is not among them, LiveKit is asked for its participants.
pub(super) async fn among(
    rooms: &[OpenRoom],
    client: &Client,
    call: &Call,
) -> Result<Presence, Error> {
    let listed = listed(rooms, call);
    if listed == Some(Presence::Open) {
        return Ok(Presence::Open);
    }
    Ok(match (people(client, call).await?, listed) {
        (Presence::Open, _) => Presence::Open,
        (people, listed) => listed.unwrap_or(people),
    })
}

/// The state of an unlisted room according to the participants in a room with its name.
async fn people(client: &Client, call: &Call) -> Result<Presence, Error> {
    let people = occupants(client, &call.room_name).await?;
    let is_known = |it: &Participant| call.participants.contains_key(&it.sid);
    Ok(match people.as_slice() {
        [] => Presence::Absent,
        people if people.iter().any(is_known) => Presence::Open,
        _ => Presence::Unclear,
    })
}

/// The participants of the room with this name. For a room that is not open, LiveKit Cloud answers 404, a self-hosted
/// server an empty list.
pub(super) async fn occupants(client: &Client, room_name: &str) -> Result<Vec<Participant>, Error> {
    if room_name.is_empty() {
        return Ok(Vec::new());
    }
    match client.participants(room_name).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        answer => Ok(answer?.iter().map(|info| participant(info)).collect()),
    }
}

/// A participant of a list; an empty one for what cannot be read.
pub(super) fn participant(info: &str) -> Participant {
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    body::participant(&info)
}

/// The observation that a list lacks the room of an open call.
pub(super) fn missing(call: &Call, now: Timestamp) -> InboxMessage {
    let at = after_alive(call, now);
    message::observation(&call.id, &Observation::RoomMissing, at)
}

/// A time after the last sign of life, even if the clock was set back.
pub(super) fn after_alive(call: &Call, now: Timestamp) -> Timestamp {
    let alive = call.alive_at.map(|at| at + SignedDuration::from_millis(1));
    alive.map_or(now, |after| now.max(after))
}
