//! Rooms missing from two lists: LiveKit is asked for each room by name, and for its participants.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{participants::SIDE_BY_SIDE, rooms::seen_open, target::Reconcile};
use crate::{
    domain::{Call, event::Observation},
    livekit::client::OpenRoom,
    pipeline::{
        message,
        presence::{Presence, after_alive, listed, people},
    },
    store::InboxMessage,
};

/// If the confirmation comes this soon, the call ended when the first list lacked it.
const PROMPT: SignedDuration = SignedDuration::from_secs(60);
/// Rooms per list.
const NAMES: usize = 100;

impl Reconcile {
    /// Asks LiveKit about the rooms of these calls, each with the time since when it is missing. Returns whether they have
    /// closed or are open after all.
    pub(super) async fn confirm(
        &self,
        rooms: &[OpenRoom],
        missing: &[(&Call, Timestamp)],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let mut messages = Vec::new();
        for some in missing.chunks(NAMES) {
            let names = some.iter().map(|(call, _)| call.room_name.as_str());
            let Ok(named) = self.client.rooms(&names.collect::<Vec<_>>()).await else {
                continue;
            };
            for few in some.chunks(SIDE_BY_SIDE) {
                let asked = few.iter();
                let asked = asked.map(|(call, _)| self.presence(rooms, &named, call));
                for ((call, since), presence) in few.iter().zip(join_all(asked).await) {
                    messages.extend(presence.and_then(|it| conclude(call, *since, it, now)));
                }
            }
        }
        messages
    }

    /// `None`: LiveKit did not answer.
    async fn presence(
        &self,
        rooms: &[OpenRoom],
        named: &[OpenRoom],
        call: &Call,
    ) -> Option<Presence> {
        if let Some(presence) = listed(named, call).or(listed(rooms, call)) {
            return Some(presence);
        }
        people(&self.client, call)
            .await
            .inspect_err(|error| {
                tracing::warn!(call = %call.id, %error, "LiveKit does not list the room of an open call and did not say who is in it; the call stays open, retrying");
            })
            .ok()
    }
}

fn conclude(
    call: &Call,
    since: Timestamp,
    presence: Presence,
    now: Timestamp,
) -> Option<InboxMessage> {
    match presence {
        Presence::Open => {
            tracing::info!(call = %call.id, "LiveKit's list of rooms lacks a room that is open; the call stays open");
            Some(seen_open(call, now))
        }
        Presence::Unclear => None,
        Presence::Replaced | Presence::Absent => {
            tracing::info!(call = %call.id, "the room has closed, and no webhook reported it");
            let at = match now.duration_since(since).abs() < PROMPT {
                true => since,
                false => after_alive(call, now),
            };
            Some(closed(call, at))
        }
    }
}

/// The observation that the room of this call has closed.
pub(super) fn closed(call: &Call, at: Timestamp) -> InboxMessage {
    message::observation(&call.id, &Observation::RoomGone, at)
}
