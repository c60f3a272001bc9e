//! Whether the room with a call's name is the call's, before it is recorded.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::sink::{Egress, wait};
use crate::{
    domain::Call,
    livekit::client::{Error, ErrorKind},
    pipeline::{
        deliver::{Attempt, Due},
        presence::{Presence, missing, presence},
    },
    store::InboxMessage,
};

/// A room without events for this long may have closed without a webhook, or its events are late and another room with
/// its name is open: LiveKit starts by name and would record that room twice.
const STALE: SignedDuration = SignedDuration::from_secs(5);
/// How soon LiveKit is asked again for a room that it does not list.
const AGAIN: Duration = Duration::from_secs(5);

/// A call's room, before a start.
pub(super) enum RoomState {
    Open,
    /// LiveKit does not list it, which may be wrong.
    Unlisted,
    Closed,
}

impl Egress {
    /// Whether the open room with this name is this call's.
    pub(super) async fn room_state(&self, call: &Call, now: Timestamp) -> Result<RoomState, Error> {
        if !call.is_open() {
            return Ok(RoomState::Closed);
        }
        // An egress often dies because its room ends.
        let died = call.restart_backoff().is_some();
        if !died && call.alive_at.is_none_or(|at| at + STALE > now) {
            return Ok(RoomState::Open);
        }
        Ok(match presence(&self.client, call).await? {
            Presence::Open => RoomState::Open,
            Presence::Replaced => RoomState::Closed,
            Presence::Unclear | Presence::Absent => RoomState::Unlisted,
        })
    }

    /// The error of a start. "No such room" counts as transient unless LiveKit's lists confirm it.
    pub(super) async fn doubted(&self, call: &Call, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        match presence(&self.client, call).await {
            Ok(Presence::Absent | Presence::Replaced) => error,
            Ok(Presence::Open | Presence::Unclear) | Err(_) => error.into_transient(),
        }
    }
}

/// The start waits until the room is listed, or reconcile has found out that it has closed.
pub(super) fn unlisted(due: &Due, now: Timestamp) -> Attempt {
    wait(due, AGAIN).with_messages(absence(due, now))
}

/// The observation that LiveKit does not know the room of an open call; reconcile then finds out whether it has closed.
pub(super) fn absence(due: &Due, now: Timestamp) -> Option<InboxMessage> {
    let call = &due.call;
    let is_new = call.is_open() && call.missing_since().is_none();
    is_new.then(|| missing(call, now))
}
