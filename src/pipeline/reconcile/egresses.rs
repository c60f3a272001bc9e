//! Egresses about which LiveKit knows more than we do, and those whose end it never reported.

use jiff::Timestamp;
use serde_json::Value;

use super::{rooms::is_doubtful, running::Running, target::Reconcile};
use crate::{
    domain::{Call, EventPayload, Recording, Room, event::Observation},
    livekit::body,
    pipeline::message,
    store::{CallRow, InboxMessage},
};

impl Reconcile {
    /// Egresses of which LiveKit says more than their calls know. It lists those of the last day.
    pub(super) async fn egresses(
        &self,
        infos: &[String],
        now: Timestamp,
    ) -> anyhow::Result<Vec<InboxMessage>> {
        let mut listed = Vec::new();
        for info in infos {
            let value: Value = serde_json::from_str(info)?;
            if let EventPayload::Egress {
                recording, room, ..
            } = body::egress(&value, Room::default())
                && !self.is_of_doctor(&room.name).await?
            {
                listed.push((recording, info));
            }
        }
        let ids: Vec<&str> = listed.iter().map(|(r, _)| r.egress_id.as_str()).collect();
        let known = self.store.recordings(&ids).await?;
        let known = |listed: &Recording| known.get(listed.egress_id.as_str());
        listed.retain(|(listed, _)| known(listed).is_none_or(|known| known.learns_from(listed)));
        let infos = listed.into_iter().map(|(_, info)| info);
        let messages = infos.map(|info| message::egress(info.clone(), now));
        Ok(messages.collect())
    }

    /// Egresses that have not ended EGRESS_LOST_AFTER after their room, and agents' audio that has not reached the bucket. If the
    /// room counts as closed only because of lists, an egress that is listed as running is not lost.
    pub(super) fn lost(
        &self,
        calls: &[CallRow],
        running: &Running,
        now: Timestamp,
    ) -> Vec<InboxMessage> {
        let late = |call: &Call| {
            let ended = call.ended_at();
            let is_late = ended.is_some_and(|ended| now >= ended + self.lost_after);
            is_late && (!is_doubtful(call) || running.has_none(call))
        };
        let mut messages = Vec::new();
        for call in calls.iter().map(|row| &row.call).filter(|call| late(call)) {
            for recording in call.recordings.values() {
                if !call.has_ended(recording) {
                    let egress_id = recording.egress_id.clone();
                    messages.push(message::observation(
                        &call.id,
                        &Observation::EgressLost { egress_id },
                        now,
                    ));
                }
            }
            // A process that took it may never start again.
            for message_id in call.audio_awaited_since(now - self.lost_after) {
                let message_id = message_id.to_owned();
                let gone = Observation::AudioGone {
                    message_id,
                    is_needless: false,
                };
                messages.push(message::observation(&call.id, &gone, now));
            }
        }
        messages
    }
}
