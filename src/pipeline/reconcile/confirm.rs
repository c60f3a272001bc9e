//! Rooms missing from two lists: LiveKit is asked for each room by name, and for its participants.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{participants::SIDE_BY_SIDE, rooms::seen_open, target::Reconcile};
use crate::{
    domain::{Call, event::Observation},
    livekit::client::{Error, OpenRoom},
    pipeline::{
        message,
        presence::{Presence, after_alive, among},
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
        let (mut messages, mut failed) = (Vec::new(), Vec::new());
        for some in missing.chunks(NAMES) {
            let names = some.iter().map(|(call, _)| call.room_name.as_str());
            let named = match self.client.rooms(&names.collect::<Vec<_>>()).await {
                Ok(named) => named,
                Err(error) => {
                    failed.extend(some.iter().map(|(call, _)| (*call, error.to_string())));
                    continue;
                }
            };
            for few in some.chunks(SIDE_BY_SIDE) {
                let asked = few.iter();
                let asked = asked.map(|(call, _)| self.presence(rooms, &named, call));
                for ((call, since), presence) in few.iter().zip(join_all(asked).await) {
                    match presence {
                        Ok(presence) => messages.extend(conclude(call, *since, presence, now)),
                        Err(error) => failed.push((*call, error.to_string())),
                    }
                }
            }
        }
        if !missing.is_empty() {
            self.log_unconfirmed(&failed);
        }
        messages
    }

    /// Logs why LiveKit's answer is missing: one line for all rooms, and the same error again in an hour.
    fn log_unconfirmed(&self, failed: &[(&Call, String)]) {
        let Some((call, error)) = failed.first() else {
            self.unconfirmed.should_log_recovery();
            return;
        };
        if let Some(suppressed) = self.unconfirmed.should_log(error) {
            tracing::warn!(call = %call.id, rooms = failed.len(), suppressed, %error, "LiveKit does not list the room of an open call and did not say who is in it; the call stays open, retrying");
        }
    }

    async fn presence(
        &self,
        rooms: &[OpenRoom],
        named: &[OpenRoom],
        call: &Call,
    ) -> Result<Presence, Error> {
        let with_name = rooms.iter().filter(|room| room.name == call.room_name);
        let both: Vec<OpenRoom> = named.iter().chain(with_name).cloned().collect();
        among(&both, &self.client, call).await
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
