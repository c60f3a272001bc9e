//! Who is in the open rooms.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    rooms::as_event,
    target::{Reconcile, Unfinished},
};
use crate::{
    domain::participant::ParticipantKind,
    livekit::{
        body,
        client::{ErrorKind, OpenRoom},
    },
    pipeline::message,
    store::InboxMessage,
};

/// Rooms whose participants LiveKit is asked for in parallel.
pub(super) const SIDE_BY_SIDE: usize = 8;

impl Reconcile {
    /// Participants of these rooms of whom their calls do not know as much. A room whose list fails is asked again the
    /// next time.
    pub(super) async fn participants(
        &self,
        rooms: &[&OpenRoom],
        known: &Unfinished<'_>,
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let (mut messages, mut failed) = (Vec::new(), Vec::new());
        self.forget_ended(known);
        for some in rooms.chunks(SIDE_BY_SIDE) {
            let answers = some.iter().map(|room| self.client.participants(&room.name));
            for (room, answer) in some.iter().zip(join_all(answers).await) {
                match answer {
                    Ok(infos) => {
                        messages.extend(self.joined(room, known, &infos, now));
                        messages.extend(self.recorders_gone(room, known, &infos, now));
                    }
                    // It has closed since the rooms were listed.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => failed.push((room, error)),
                }
            }
        }
        if let Some((room, error)) = failed.first() {
            tracing::warn!(call = %room.sid, rooms = failed.len(), %error, "LiveKit did not list the participants of a room; retrying");
        }
        messages
    }
}

/// Whether an open call has fewer participants than LiveKit counts, or no agent, which it does not count.
pub(super) fn lacks_people(room: &OpenRoom, known: &Unfinished<'_>) -> bool {
    let call = known.get(&room.sid);
    call.filter(|call| call.is_open()).is_some_and(|call| {
        let here = || call.participants.values().filter(|p| p.left_at.is_none());
        let counts = |kind| !matches!(kind, ParticipantKind::Agent | ParticipantKind::Egress);
        let counted = here().filter(|p| counts(p.kind)).count();
        let has_agent = here().any(|p| p.kind == ParticipantKind::Agent);
        let counted = counted + call.crowd.count();
        !has_agent || counted < room.num_participants as usize
    })
}

impl Reconcile {
    /// Participants about whom the call knows less, and would keep more.
    fn joined(
        &self,
        room: &OpenRoom,
        known: &Unfinished<'_>,
        infos: &[String],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let adds_information = |info: &Value| {
            let listed = self.attributes.bounded(body::participant(info));
            let call = known.get(&room.sid);
            let is_counted = call.is_some_and(|call| call.crowd.may_have(&listed.sid));
            let known = call.and_then(|call| call.participants.get(&listed.sid));
            known.map_or(!is_counted, |known| known.learns_from(&listed))
        };
        let infos = infos
            .iter()
            .filter_map(|info| serde_json::from_str(info).ok());
        let infos = infos.filter(adds_information);
        infos
            .map(|info| message::participant(&as_event(room), &info, now))
            .collect()
    }
}
