//! The parts of an upload, in any order: they go to the disk as they arrive, so that memory holds none of them.

use axum::{body::Bytes, http::HeaderMap, http::header};

use super::{
    fields::{Fields, Part},
    inflate::inflated,
    received_body::ReceivedBody,
    refusal::{not_spooled, stopping, too_large},
};
use crate::{
    domain::agent_audio::{AgentAudio, AudioRefusal},
    http::{App, error::Problem, post_transcript::TRANSCRIPT_BYTES, readable::check_encoding},
    spool::{Content, Error, HEAD_BYTES, Incoming, is_opus},
};

/// Bytes of the largest part `header`.
const HEADER_BYTES: usize = 1 << 20;
/// Bytes of a body beyond AGENT_AUDIO_SIZE: the words may follow audio that is too large, and count more. What is compressed may
/// become a thousand times as much, so this is bounded.
const MORE_BYTES: u64 = 4 << 30;

/// What has arrived of an upload.
#[derive(Default)]
pub(super) struct Parts {
    /// `MetricsRecordingHeader`
    pub(super) header: Option<Bytes>,
    pub(super) words: Words,
    pub(super) audio: Audio,
    /// Why something did not arrive that may arrive the next time; what did is kept if it has the words.
    pub(super) failure: Option<Problem>,
}

/// The conversation, as JSON.
#[derive(Default)]
pub(super) enum Words {
    #[default]
    None,
    Received(Incoming),
    /// The beginning of what is too large.
    TooLarge(Incoming),
}

/// The agent's recording.
#[derive(Default)]
pub(super) enum Audio {
    #[default]
    None,
    Received(Incoming),
    Refused(AudioRefusal),
}

impl Parts {
    /// Receives the body; `message_id` names the files.
    ///
    /// # Errors
    /// When the body is none that has parts.
    pub(super) async fn receive(
        app: &App,
        headers: &HeaderMap,
        body: &ReceivedBody,
        message_id: &str,
    ) -> Result<Parts, Problem> {
        check_encoding(headers)?;
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(|_| {
            Problem::bad_request("the body has no parts: send it as multipart/form-data")
        })?;
        let limit = app.uploads.audio_bytes.saturating_add(MORE_BYTES);
        let mut fields = Fields::new(inflated(body.frames(), limit), boundary);
        let mut parts = Parts::default();
        let received = tokio::select! {
            received = parts.receive_all(app, &mut fields, message_id) => received,
            problem = stopping(app) => Err(problem),
        };
        parts.failure = received.err().or(parts.failure);
        Ok(parts)
    }

    /// Whether everything that people read has arrived.
    pub(super) fn has_words(&self) -> bool {
        self.header.is_some() && matches!(self.words, Words::Received(_))
    }

    async fn receive_all(
        &mut self,
        app: &App,
        fields: &mut Fields<'_>,
        message_id: &str,
    ) -> Result<(), Problem> {
        while let Some(field) = fields.next().await? {
            let name = field.name().to_owned();
            match name.as_str() {
                "header" if self.header.is_none() => self.header = Some(small(field).await?),
                "chat_history" if matches!(self.words, Words::None) => {
                    let words = app.uploads.spool.begin(message_id, Content::Words);
                    self.words = receive_words(words.map_err(not_spooled)?, field).await?;
                }
                "audio"
                    if matches!(self.audio, Audio::None)
                        && app.uploads.audio != AgentAudio::Off =>
                {
                    match app.uploads.spool.begin(message_id, Content::Audio) {
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
        mut field: Part<'_>,
    ) -> Result<(), Problem> {
        // Its beginning, until that says whether it is audio.
        let mut head = Vec::new();
        while let Some(bytes) = field.chunk().await? {
            if head.len() < HEAD_BYTES {
                head.extend(bytes.iter().take(HEAD_BYTES - head.len()));
                if head.len() == HEAD_BYTES && !is_opus(&head) {
                    self.audio = Audio::Refused(AudioRefusal::NotOpus);
                    drop(audio);
                    return skip(field).await;
                }
            }
            if let Err(error) = audio.write(&bytes).await {
                drop(audio);
                return self.without_audio(error, field).await;
            }
        }
        // Some SDKs send an empty part instead of none.
        if !head.is_empty() {
            self.audio = match is_opus(&head) && audio.has_sound().await.map_err(not_spooled)? {
                true => Audio::Received(audio),
                false => Audio::Refused(AudioRefusal::NotOpus),
            };
        }
        Ok(())
    }

    /// Goes on without the audio: the words may follow it, and count more. The sender gets the answer only if it could send
    /// everything.
    async fn without_audio(&mut self, error: Error, field: Part<'_>) -> Result<(), Problem> {
        match error {
            Error::TooLarge => self.audio = Audio::Refused(AudioRefusal::TooLarge),
            error => self.failure = Some(not_spooled(error)),
        }
        skip(field).await
    }
}

/// A part that fits into memory.
async fn small(mut field: Part<'_>) -> Result<Bytes, Problem> {
    let mut all = Vec::new();
    while let Some(bytes) = field.chunk().await? {
        if all.len() + bytes.len() > HEADER_BYTES {
            return Err(too_large("the part `header` may have at most 1 MiB"));
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all.into())
}

async fn receive_words(mut words: Incoming, mut field: Part<'_>) -> Result<Words, Problem> {
    while let Some(bytes) = field.chunk().await? {
        let left = (TRANSCRIPT_BYTES as u64).saturating_sub(words.bytes());
        let fits = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        words.write(&bytes[..fits]).await.map_err(not_spooled)?;
        if fits < bytes.len() {
            skip(field).await?;
            return Ok(Words::TooLarge(words));
        }
    }
    Ok(Words::Received(words))
}

async fn skip(mut field: Part<'_>) -> Result<(), Problem> {
    while field.chunk().await?.is_some() {}
    Ok(())
}
