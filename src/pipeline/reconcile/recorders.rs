//! Egresses that left their open room without a webhook, as after a crash while this service was not reachable. LiveKit
//! lists egresses as participants, although they are hidden. One list without an egress proves nothing.

use std::sync::{PoisonError, atomic::Ordering};

use jiff::Timestamp;

use super::{
    gone::CONFIRM,
    target::{Reconcile, Unfinished},
};
use crate::{
    domain::{EgressId, event::Observation},
    livekit::client::OpenRoom,
    pipeline::{message, presence::participant},
    store::InboxMessage,
};

/// Whether an egress should be in the room.
pub(super) fn is_recorded(room: &OpenRoom, known: &Unfinished<'_>) -> bool {
    let call = known.get(&room.sid);
    call.is_some_and(|call| call.recorders_in_room().next().is_some())
}

impl Reconcile {
    /// Drops what is remembered of egresses whose calls are over.
    pub(super) fn forget_ended(&self, known: &Unfinished<'_>) {
        let is_known = |id: &EgressId| known.values().any(|call| call.recordings.contains_key(id));
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        absent.retain(|id, _| is_known(id));
    }

    /// Egresses of the room that two lists lack, at least [`CONFIRM`] apart. A list without anybody does not count.
    pub(super) fn recorders_gone(
        &self,
        room: &OpenRoom,
        known: &Unfinished<'_>,
        infos: &[String],
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let identity = |info: &String| participant(info).identity;
        let listed: Vec<String> = infos.iter().map(identity).collect();
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut messages = Vec::new();
        let call = known.get(&room.sid).filter(|_| !listed.is_empty());
        for egress_id in call.iter().flat_map(|call| call.recorders_in_room()) {
            if listed.iter().any(|it| it == egress_id.as_str()) {
                absent.remove(egress_id);
                continue;
            }
            let since = *absent.entry(egress_id.clone()).or_insert(now);
            self.must_confirm.store(true, Ordering::Relaxed);
            if now.duration_since(since).abs() >= CONFIRM {
                absent.remove(egress_id);
                tracing::warn!(call = %room.sid, egress = %egress_id, "LiveKit no longer lists the egress as a participant of its room, and no webhook reported that it left");
                let egress_id = egress_id.clone();
                let gone = Observation::RecorderGone { egress_id };
                messages.push(message::observation(&room.sid, &gone, since));
            }
        }
        messages
    }
}
