//! The parts of an upload, in any order: they go to the disk as they arrive, so that memory holds none of them.

use axum::{
    body::Bytes,
    extract::Request,
    http::{StatusCode, header},
};
use multer::{Field, Multipart};

use super::inflate::{BodyError, inflated};
use crate::{
    domain::agent_audio::AgentAudio,
    http::{App, error::Problem, post_transcript::TRANSCRIPT_BYTES, readable::check_encoding},
    spool::{Content, Error, Incoming},
};

/// Bytes of the largest part `header`.
const HEADER_BYTES: usize = 1 << 20;
/// Bytes of a body beside those of its parts.
const OVERHEAD: u64 = 1 << 20;

/// What has arrived of an upload.
#[derive(Default)]
pub(super) struct Parts {
    /// `MetricsRecordingHeader`
    pub(super) header: Option<Bytes>,
    /// The conversation, as JSON.
    pub(super) chat: Option<Incoming>,
    /// The agent's recording.
    pub(super) audio: Option<Incoming>,
    /// Why something did not arrive; what did is kept if it has the words.
    pub(super) failure: Option<Problem>,
}

impl Parts {
    /// Receives the body; `message_id` names the files.
    ///
    /// # Errors
    /// When the body is none that has parts.
    pub(super) async fn receive(
        app: &App,
        request: Request,
        message_id: &str,
    ) -> Result<Parts, Problem> {
        check_encoding(request.headers())?;
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(|_| {
            Problem::bad_request("the body has no parts: send it as multipart/form-data")
        })?;
        let limit = app.uploads.audio_bytes + (HEADER_BYTES + TRANSCRIPT_BYTES) as u64 + OVERHEAD;
        let body = inflated(request.into_body(), limit);
        let mut multipart = Multipart::new(body, boundary);
        let mut parts = Parts::default();
        let received = parts.receive_all(app, &mut multipart, message_id).await;
        parts.failure = received.err().or(parts.failure);
        Ok(parts)
    }

    /// Whether everything that people read has arrived.
    pub(super) fn has_words(&self) -> bool {
        self.header.is_some() && self.chat.is_some()
    }

    async fn receive_all(
        &mut self,
        app: &App,
        multipart: &mut Multipart<'_>,
        message_id: &str,
    ) -> Result<(), Problem> {
        while let Some(field) = multipart.next_field().await.map_err(refused)? {
            let name = field.name().unwrap_or_default().to_owned();
            match name.as_str() {
                "header" if self.header.is_none() => self.header = Some(small(field).await?),
                "chat_history" if self.chat.is_none() => {
                    let chat = app.uploads.spool.begin(message_id, Content::Words);
                    self.chat = Some(text(chat.map_err(not_spooled)?, field).await?);
                }
                "audio" if self.audio.is_none() && app.uploads.audio != AgentAudio::Off => {
                    let audio = app.uploads.spool.begin(message_id, Content::Audio);
                    match audio {
                        Ok(audio) => self.receive_audio(audio, field).await?,
                        Err(error) => self.without_audio(error, field).await?,
                    }
                }
                _ => skip(field).await?,
            }
        }
        Ok(())
    }

    async fn receive_audio(
        &mut self,
        mut audio: Incoming,
        mut field: Field<'_>,
    ) -> Result<(), Problem> {
        while let Some(bytes) = field.chunk().await.map_err(refused)? {
            if let Err(error) = audio.write(&bytes).await {
                drop(audio);
                return self.without_audio(error, field).await;
            }
        }
        // Some SDKs send an empty part instead of none.
        self.audio = Some(audio).filter(|audio| audio.bytes() > 0);
        Ok(())
    }

    /// Goes on without the audio: the words may follow it, and count more. The sender gets the answer only if it could send
    /// everything.
    async fn without_audio(&mut self, error: Error, field: Field<'_>) -> Result<(), Problem> {
        self.failure = Some(not_spooled(error));
        skip(field).await
    }
}

/// A part that fits into memory.
async fn small(mut field: Field<'_>) -> Result<Bytes, Problem> {
    let mut all = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(refused)? {
        if all.len() + bytes.len() > HEADER_BYTES {
            return Err(too_large("the part `header` may have at most 1 MiB"));
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all.into())
}

async fn text(mut chat: Incoming, mut field: Field<'_>) -> Result<Incoming, Problem> {
    while let Some(bytes) = field.chunk().await.map_err(refused)? {
        if chat.bytes() + bytes.len() as u64 > TRANSCRIPT_BYTES as u64 {
            return Err(too_large("a transcript may have at most 16 MiB"));
        }
        chat.write(&bytes).await.map_err(not_spooled)?;
    }
    Ok(chat)
}

async fn skip(mut field: Field<'_>) -> Result<(), Problem> {
    while field.chunk().await.map_err(refused)?.is_some() {}
    Ok(())
}

fn too_large(detail: &str) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Why the body cannot be read.
fn refused(error: multer::Error) -> Problem {
    let source = match &error {
        multer::Error::StreamReadFailed(source) => source.downcast_ref::<BodyError>(),
        _ => None,
    };
    match (source, error.to_string()) {
        (Some(BodyError::Damaged), _) => {
            Problem::bad_request("the gzip data of the body is damaged")
        }
        (Some(BodyError::TooLarge), _) => too_large("the body is too large"),
        (Some(BodyError::Incomplete), _) => Problem::incomplete(),
        (None, _) if is_cut_off(&error) => Problem::incomplete(),
        (None, detail) => {
            Problem::bad_request(format!("the parts of the body are damaged: {detail}"))
        }
    }
}

/// Whether the body ended within a part.
fn is_cut_off(error: &multer::Error) -> bool {
    matches!(
        error,
        multer::Error::IncompleteStream
            | multer::Error::IncompleteHeaders
            | multer::Error::IncompleteFieldData { .. }
            | multer::Error::StreamReadFailed(_)
    )
}

/// Why something could not be written to the disk.
pub(super) fn not_spooled(error: Error) -> Problem {
    match error {
        Error::TooLarge => too_large(
            "the audio is larger than AGENT_AUDIO_SIZE; the transcript was stored without it",
        ),
        Error::Full => Problem::unavailable(
            "there is no room for the audio at the moment; a transcript that came with it was stored",
        ),
        Error::Folder(error) => {
            tracing::error!(%error, "AGENT_AUDIO_DIR: an upload could not be written; the sender was asked to retry");
            Problem::unavailable("the upload could not be written to the disk; send it again")
        }
    }
}
