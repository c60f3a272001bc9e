//! One file into the bucket, and what the call learns of it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{error::UploadError, keys::key};
use crate::{
    domain::{
        BucketRecording, Call, Room, agent_audio::UploadId, content_type, event::Observation,
    },
    pipeline::{Wake, message},
    spool::{HeldFile, SpoolFile},
    storage::Client,
    store::{self, InboxMessage, MessageKind, Store},
};

/// Uploads files.
pub(super) struct Uploader {
    pub(super) store: Store,
    pub(super) storage: Client,
    pub(super) wake: Arc<Wake>,
    /// RECORDING_PATH
    pub(super) path: String,
}

impl Uploader {
    /// Puts the file into the bucket, and notes in the inbox that it is there, or why it is not.
    ///
    /// # Errors
    /// When it is not there, or that could not be noted.
    pub(super) async fn upload(
        &self,
        call: &Call,
        file: &SpoolFile,
        held: &mut HeldFile,
        now: Timestamp,
    ) -> Result<(), UploadError> {
        let duration = held.duration();
        let key = match self.put(call, file, held, now).await {
            Ok(key) => key,
            Err(error) => {
                self.note_error(call, file, &error, now).await?;
                return Err(error);
            }
        };
        let recording = BucketRecording {
            key: key.clone(),
            size: file.bytes,
            modified_at: ends_at(file, duration).unwrap_or(now),
            room: Room {
                sid: call.id.as_str().into(),
                ..Room::default()
            },
            started_at: file.started_at,
            duration_ms: duration.map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX)),
            upload: Some(UploadId {
                message_id: file.message_id.clone(),
                job: call.job_of_upload(&file.message_id).to_owned(),
            }),
        };
        let body = serde_json::to_vec(&recording)?;
        self.note(InboxMessage {
            dedupe: Some(format!("object:{key}")),
            ..InboxMessage::new(MessageKind::Object, body, now).of_call(&call.id)
        })
        .await?;
        metrics::counter!("livekit_airtable_agent_audio_uploads_total").increment(1);
        tracing::info!(call_id = %call.id, bytes = file.bytes, "the agent's own audio is in the bucket");
        Ok(())
    }

    /// Puts it there; its key.
    async fn put(
        &self,
        call: &Call,
        file: &SpoolFile,
        held: &HeldFile,
        now: Timestamp,
    ) -> Result<String, UploadError> {
        let to = (&self.store, &self.storage);
        let key = key(to, &self.path, call, file, now).await?;
        let kind = content_type(&key);
        self.storage.put_file(&key, held.path(), kind).await?;
        Ok(key)
    }

    /// Notes why the bucket did not take the file, unless the call knows it.
    async fn note_error(
        &self,
        call: &Call,
        file: &SpoolFile,
        error: &UploadError,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let error = match error {
            UploadError::Storage(_) | UploadError::NoKey => error.to_string(),
            UploadError::Store(_) | UploadError::Json(_) => return Ok(()),
        };
        if call.audio_error_of(&file.message_id) == Some(error.as_str()) {
            return Ok(());
        }
        let message_id = file.message_id.clone();
        let observation = Observation::AudioNotStored { message_id, error };
        self.note(message::observation(&call.id, &observation, now))
            .await
    }

    async fn note(&self, message: InboxMessage) -> Result<(), store::Error> {
        self.store.put(message).await?;
        self.wake.intake.notify_one();
        Ok(())
    }
}

/// When the audio ends, by its own clock.
fn ends_at(file: &SpoolFile, duration: Option<SignedDuration>) -> Option<Timestamp> {
    file.started_at?.checked_add(duration?).ok()
}
