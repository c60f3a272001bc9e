//! Rooms that have opened or closed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::target::{Reconcile, Unfinished};
use crate::{
    domain::{Room, event::Observation},
    livekit::client::OpenRoom,
    pipeline::message,
    store::{CallRow, InboxMessage},
};

/// A call that changed so shortly before is not closed: the list may be older.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// How long a room of another project may be silent before its call counts as closed: LiveKit does not list it for us.
const FOREIGN: SignedDuration = SignedDuration::from_hours(24);

impl Reconcile {
    /// Open rooms that have no call, or whose call our key's list has not shown yet.
    pub(super) async fn opened<'a>(
        &self,
        rooms: &'a [OpenRoom],
        known: &Unfinished<'_>,
    ) -> anyhow::Result<Vec<&'a OpenRoom>> {
        let mut opened = Vec::new();
        for room in rooms.iter().filter(|room| !room.sid.is_empty()) {
            let call = known.get(&room.sid);
            let seen_open = call.filter(|call| call.alive_at.is_some());
            let ours = seen_open.is_some_and(|call| !call.may_be_foreign(self.client.api_key()));
            if ours || self.is_closed(&room.sid).await? {
                continue;
            }
            if seen_open.is_none() {
                tracing::info!(call = %room.sid, "found an open room that no webhook reported");
            }
            opened.push(room);
        }
        Ok(opened)
    }

    /// `room_finished` came: the list is older than that.
    async fn is_closed(&self, id: &str) -> anyhow::Result<bool> {
        let known = self.store.call(id).await?;
        Ok(known.is_some_and(|row| row.call.finished_at.is_some()))
    }

    /// Open calls whose room LiveKit does not list. A call that may be another project's is never in our project's list:
    /// it counts as closed after a day without an event.
    pub(super) fn closed(
        &self,
        rooms: &[OpenRoom],
        calls: &[CallRow],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let open: BTreeSet<&str> = rooms.iter().map(|room| room.sid.as_str()).collect();
        let gone = |row: &&CallRow| {
            let foreign = row.call.may_be_foreign(self.client.api_key());
            let limit = if foreign { FOREIGN } else { FRESH };
            // A time in the future: the clock was set back.
            let quiet = row.changed_at < now - limit || row.changed_at > now + FRESH;
            row.call.is_open() && quiet && !open.contains(row.call.id.as_str())
        };
        let calls = calls.iter().filter(gone);
        calls
            .map(|row| {
                let alive = row.call.alive_at;
                let after = alive.map(|at| at + SignedDuration::from_millis(1));
                let gone_at = after.map_or(now, |after| now.max(after));
                message::observation(&row.call.id, &Observation::RoomGone, gone_at)
            })
            .collect()
    }
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
