//! Rooms that two lists lacked: LiveKit is asked for each by its name, and who is in it.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{rooms::seen_open, target::Reconcile};
use crate::{
    domain::{Call, event::Observation},
    livekit::client::{Error, OpenRoom},
    pipeline::{
        message,
        presence::{Presence, after_alive, listed, people},
    },
    store::InboxMessage,
};

/// A confirmation so soon dates the end of the call to the first list.
const PROMPT: SignedDuration = SignedDuration::from_secs(60);
/// Rooms per list.
const NAMES: usize = 100;
/// Rooms whose participants are listed in parallel.
const SIDE_BY_SIDE: usize = 8;

impl Reconcile {
    /// What LiveKit says of these calls' rooms, which its lists have lacked since then: closed, or open after all.
    pub(super) async fn confirm(
        &self,
        rooms: &[OpenRoom],
        missing: &[(&Call, Timestamp)],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let mut messages = Vec::new();
        for some in missing.chunks(NAMES) {
            let names = some.iter().map(|(call, _)| call.room_name.as_str());
            let named = self.client.rooms(&names.collect::<Vec<_>>()).await;
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
        named: &Result<Vec<OpenRoom>, Error>,
        call: &Call,
    ) -> Option<Presence> {
        let presence = match named {
            Ok(named) => match listed(named, call).or(listed(rooms, call)) {
                Some(presence) => return Some(presence),
                None => people(&self.client, call).await,
            },
            Err(_) => return None,
        };
        presence
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

/// The room of this call has closed.
pub(super) fn closed(call: &Call, at: Timestamp) -> InboxMessage {
    message::observation(&call.id, &Observation::RoomGone, at)
}
