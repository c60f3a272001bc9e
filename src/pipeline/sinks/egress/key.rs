//! Where a recording goes: not onto another call's, which would then be lost and played from both rows.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::sink::Egress;
use crate::{
    domain::{
        Call,
        call::RecordingRequest,
        path::{self, Fill},
    },
    storage::ObjectHead,
    store,
};

/// How long a recording waits for the bucket to say whether its key is free.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// Characters of the random suffix.
const SUFFIX: usize = 8;

/// What tells the keys of two calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeptApart {
    /// The room's own sid is in the key: no other call's recording has it.
    OwnSid,
    /// The room's name, or what a request gave for the sid: other calls may have the same.
    Name,
    /// Nothing is in the key that differs: the sid is added.
    AddedSid,
}

impl Egress {
    /// The object key of a recording that starts now, reserved for the call.
    ///
    /// # Errors
    /// When it cannot be reserved; nothing may be started then.
    pub(super) async fn key(
        &self,
        call: &Call,
        pending_request: &RecordingRequest,
        now: Timestamp,
    ) -> Result<String, store::Error> {
        let taken = |key: &str| call.recordings.values().any(|r| r.is_at(key));
        let apart = self.kept_apart(call, pending_request);
        let path_id = pending_request.path_id.as_deref();
        let path_id = path_id.filter(|_| apart != KeptApart::AddedSid);
        let fill = Fill {
            room_id: path_id.unwrap_or(&call.id),
            room_name: &call.room_name,
            at: call.started_at().unwrap_or(now),
        };
        let template = match apart {
            KeptApart::AddedSid => path::with_room_id(&self.path),
            KeptApart::OwnSid | KeptApart::Name => self.path.clone(),
        };
        let key = path::key(&template, &fill, taken);
        let free = apart != KeptApart::Name || self.is_free(&key).await;
        if free && self.store.reserve_key(&key, &call.id, now).await? {
            return Ok(key);
        }
        loop {
            let key = path::with_suffix(&key, &suffix());
            if self.store.reserve_key(&key, &call.id, now).await? {
                return Ok(key);
            }
        }
    }

    fn kept_apart(&self, call: &Call, pending_request: &RecordingRequest) -> KeptApart {
        let by_id = path::has_room_id(&self.path);
        match &pending_request.path_id {
            None if by_id => KeptApart::OwnSid,
            Some(id) if by_id && path::belongs_to_other_room(id, &call.id) => KeptApart::AddedSid,
            Some(_) if by_id => KeptApart::Name,
            _ if path::is_apart_by_name(&self.path, &call.room_name) => KeptApart::Name,
            _ => KeptApart::AddedSid,
        }
    }

    /// Whether the bucket says that there is no such object. Without an answer the key counts as taken: AWS answers 403 for
    /// every missing object unless the key may list the bucket.
    async fn is_free(&self, key: &str) -> bool {
        let head = tokio::time::timeout(HEAD_TIMEOUT, self.storage.head(key)).await;
        matches!(head, Ok(Ok(ObjectHead::Missing)))
    }

    /// LiveKit did not start the recording: another call may have the key.
    pub(super) async fn release(&self, call: &Call, key: &str) {
        if call.recordings.values().any(|it| it.is_at(key)) {
            return;
        }
        // A key that stays reserved only makes another call's longer.
        if let Err(error) = self.store.release_key(key, &call.id).await {
            tracing::warn!(call = %call.id, %error, "the key of a recording that was not started stays reserved");
        }
    }
}

/// Random lower-case letters and digits.
fn suffix() -> String {
    let random = Uuid::new_v4().simple().to_string();
    random.chars().take(SUFFIX).collect()
}
