//! Where a recording goes: not onto another call's, which would then be lost and played from both rows.

use std::time::Duration;

use jiff::Timestamp;

use super::sink::Egress;
use crate::{
    domain::{
        Call,
        call::RecordingRequest,
        path::{self, Fill},
    },
    storage::ObjectHead,
};

/// How long a recording waits for the bucket to say whether its key belongs to another call.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);

impl Egress {
    /// The object key of a recording that starts now.
    pub(super) async fn key(
        &self,
        call: &Call,
        pending_request: &RecordingRequest,
        now: Timestamp,
    ) -> String {
        let fill = Fill {
            room_id: pending_request.path_id.as_deref().unwrap_or(&call.id),
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let taken = |key: &str| call.recordings.values().any(|r| r.is_at(key));
        let key = path::key(&self.path, &fill, taken);
        // Neither the bucket nor the store knows about another call's recording that starts at this moment.
        let by_id = path::has_room_id(&self.path);
        let apart = match &pending_request.path_id {
            None if by_id => return key,
            Some(id) if by_id => !path::belongs_to_other_room(id, &call.id),
            _ => path::is_apart_by_name(&self.path, &call.room_name),
        };
        if apart && !self.is_taken_by_other_call(&key, call).await {
            return key;
        }
        let fill = Fill {
            room_id: &call.id,
            ..fill
        };
        path::key(&path::with_room_id(&self.path), &fill, taken)
    }

    /// Whether another call's recording has or will have this key. An unresponsive bucket does not delay the call.
    async fn is_taken_by_other_call(&self, key: &str, call: &Call) -> bool {
        let others = self.store.calls_named(&call.room_name, 10).await;
        let mut others = others.unwrap_or_default().into_iter();
        let has_it = |other: &Call| other.recordings.values().any(|r| r.is_at(key));
        if others.any(|row| row.call.id != call.id && has_it(&row.call)) {
            return true;
        }
        let head = tokio::time::timeout(HEAD_TIMEOUT, self.storage.head(key)).await;
        matches!(head, Ok(Ok(ObjectHead::Found { .. })))
    }
}
