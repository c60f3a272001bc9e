//! The rooms that `doctor` makes, which are nobody's calls.

use jiff::{SignedDuration, Timestamp};

use super::{batch::Batch, job::Intake, route::Route};
use crate::{
    domain::{DoctorKey, EventPayload, Room, may_be_doctor_id},
    store::InboxMessage,
};

/// How long a message waits whose room is named like one of `doctor`'s and is no call yet: what says whether it is one may
/// come after it, or be with another process at the moment.
const WAIT: SignedDuration = SignedDuration::from_secs(2);

impl Intake {
    /// Where a message about a room that is named like one of `doctor`'s belongs; `None`: where its other data say.
    pub(super) async fn of_doctor(
        &self,
        (batch, message, now): (&Batch, &InboxMessage, Timestamp),
        payload: &EventPayload,
        room: &Room,
    ) -> anyhow::Result<Option<Route>> {
        if !may_be_doctor_id(&room.name) {
            return Ok(None);
        }
        if self.is_of_doctor(payload, room, now).await? {
            return Ok(Some(Route::Nowhere));
        }
        let until = message.received_at + WAIT;
        let waits = now < until && !self.is_call(batch, room).await?;
        Ok(waits.then_some(Route::Undecided { until }))
    }

    /// Whether `doctor` made this room. Only some events carry what says so: the database remembers it.
    async fn is_of_doctor(
        &self,
        payload: &EventPayload,
        room: &Room,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        if self.store.is_doctor_room(&room.name).await? {
            return Ok(true);
        }
        let has_named = |key: &DoctorKey| match payload {
            EventPayload::Egress { recording, .. } => key.has_named(&room.name, &recording.key),
            _ => false,
        };
        let key = self.policy.doctor.as_ref();
        let is_signed =
            key.is_some_and(|key| key.has_signed(&room.name, &room.metadata) || has_named(key));
        if is_signed {
            self.store.add_doctor_room(&room.name, now).await?;
        }
        Ok(is_signed)
    }

    /// Whether the room is known as a call.
    async fn is_call(&self, batch: &Batch, room: &Room) -> anyhow::Result<bool> {
        Ok(match batch.calls.get(room.sid.as_str()) {
            Some(update) if !update.call.id.is_empty() => true,
            _ => self.store.call(&room.sid).await?.is_some(),
        })
    }
}
