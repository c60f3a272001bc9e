//! Rooms that were opened, or are open although their call counts as closed.

use jiff::Timestamp;

use super::{
    running::{HOPELESS, Running},
    target::{Reconcile, Unfinished},
};
use crate::{
    domain::{Call, Room, may_be_doctor_id},
    livekit::client::OpenRoom,
    pipeline::message,
    store::{self, CallRow, InboxMessage},
};

impl Reconcile {
    /// Open rooms without a call, or whose call does not count as open, and those that were not listed for our key before.
    pub(super) async fn opened<'a>(
        &self,
        rooms: &'a [OpenRoom],
        known: &Unfinished<'_>,
    ) -> anyhow::Result<Vec<&'a OpenRoom>> {
        let mut opened = Vec::new();
        for room in rooms.iter().filter(|room| !room.sid.is_empty()) {
            if known
                .get(&room.sid)
                .is_some_and(|call| self.is_known_open(call))
            {
                continue;
            }
            if self.is_of_doctor(&room.name).await? {
                continue;
            }
            let row = self.store.call(&room.sid).await?;
            // What another project said of a room of ours counts for nothing.
            let call = row.as_ref().map(|row| &row.call);
            let call = call.filter(|call| !call.is_others());
            match call {
                // `room_finished` came: the list is older than that.
                Some(call) if call.finished_at.is_some() => continue,
                Some(call) if call.is_gone() => {
                    tracing::warn!(call = %room.sid, "LiveKit lists a room again that had counted as closed; the call is open again");
                }
                Some(call) if call.alive_at.is_some() => {}
                _ => {
                    tracing::info!(call = %room.sid, "found an open room that no webhook reported")
                }
            }
            opened.push(room);
        }
        Ok(opened)
    }

    /// Whether the database knows that `doctor` made the room with this name.
    pub(super) async fn is_of_doctor(&self, room_name: &str) -> Result<bool, store::Error> {
        Ok(may_be_doctor_id(room_name) && self.store.is_doctor_room(room_name).await?)
    }

    fn is_known_open(&self, call: &Call) -> bool {
        let is_ours = !call.may_be_foreign(self.client.api_key());
        let is_missing = call.missing_since().is_some();
        call.alive_at.is_some() && call.is_open() && !is_missing && is_ours
    }
}

/// Calls that count as closed only because of lists, although LiveKit still records them.
pub(super) fn reopened(calls: &[CallRow], running: &Running, now: Timestamp) -> Vec<InboxMessage> {
    let calls = calls.iter().map(|row| &row.call);
    let is_recorded = |call: &&Call| is_doubtful(call) && running.has_one(call);
    let recorded = calls.filter(is_recorded);
    recorded
        .map(|call| {
            tracing::warn!(call = %call.id, "LiveKit is still recording a room that had counted as closed; the call is open again");
            seen_open(call, now)
        })
        .collect()
}

/// Whether the room counts as closed only because of lists, and so recently that a running egress of it is credible.
pub(super) fn is_doubtful(call: &Call) -> bool {
    let said = call.gone_at.zip(call.missing.first().copied());
    let recent = |(gone, missing): (Timestamp, _)| gone.duration_since(missing) < HOPELESS;
    call.is_gone() && said.is_some_and(recent)
}

/// The message that the room of a known call is open.
pub(super) fn seen_open(call: &Call, now: Timestamp) -> InboxMessage {
    let room = Room {
        sid: call.id.clone(),
        ..Room::default()
    };
    message::room(&room, now)
}

/// A listed room in the form of an event's.
pub(super) fn as_event(room: &OpenRoom) -> Room {
    let created_at = Timestamp::from_millisecond(room.creation_time_ms).ok();
    Room {
        sid: room.sid.clone(),
        name: room.name.clone(),
        metadata: room.metadata.clone(),
        created_at: created_at.filter(|at| *at > Timestamp::UNIX_EPOCH),
        ..Room::default()
    }
}
