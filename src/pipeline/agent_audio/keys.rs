//! The object key of an agent's audio.

use jiff::Timestamp;

use super::error::UploadError;
use crate::{
    domain::{Call, agent_audio::agent_audio_key, path},
    spool::SpoolFile,
    storage::{self, Client, ObjectHead},
    store::Store,
};

/// How many jobs of one call can have audio.
const MOST: usize = 64;

/// Finds a key: that of the call's recording by RECORDING_PATH, with another ending; of a second job, with a number. One that the
/// bucket has with the same size was uploaded by a process that ended then. A bucket that may not be asked (AWS answers 403 for every
/// missing object unless the key may list the bucket) may be written: the key is reserved for the call, and none of its recordings has it.
pub(super) async fn key(
    (store, storage): (&Store, &Client),
    template: &str,
    call: &Call,
    file: &SpoolFile,
    now: Timestamp,
) -> Result<String, UploadError> {
    let template = path::with_room_id(template);
    let fill = path::Fill {
        room_id: &call.id,
        room_name: &call.room_name,
        at: call.started_at().unwrap_or(now),
    };
    let first = agent_audio_key(&path::key(&template, &fill, |_| false));
    let numbered = (2..=MOST).map(|n| path::with_suffix(&first, &n.to_string()));
    for key in std::iter::once(first.clone()).chain(numbered) {
        let is_taken = call.recordings.values().any(|it| it.key == key);
        if is_taken || !store.reserve_key(&key, &call.id, now).await? {
            continue;
        }
        match storage.head(&key).await {
            Ok(ObjectHead::Found { size }) if size != file.bytes => {}
            Ok(_) | Err(storage::Error::Forbidden) => return Ok(key),
            Err(error) => return Err(error.into()),
        }
    }
    Err(UploadError::NoKey)
}
