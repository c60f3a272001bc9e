//! Why an upload, or a part of it, is refused.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    domain::agent_audio::AudioRefusal,
    http::{App, error::Problem},
    spool::Error,
};

/// How long an upload that is arriving may go on when the service stops. The answer must come before the server closes the
/// connection, five seconds after it stopped accepting others.
const LAST: Duration = Duration::from_secs(2);

/// 413
pub(super) fn too_large(detail: &str) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Waits for the service to stop, and a little longer for the rest of the upload.
pub(super) async fn stopping(app: &App) -> Problem {
    app.uploads.stop.cancelled().await;
    tokio::time::sleep(LAST).await;
    Problem::unavailable("the service is stopping; send it again")
}

/// Why something could not be written to the disk. It may be the next time.
pub(super) fn not_spooled(error: Error) -> Problem {
    match error {
        Error::TooLarge | Error::Full => {
            Problem::unavailable("there is no room for the audio at the moment")
        }
        Error::Folder(error) => {
            tracing::error!(%error, "AGENT_AUDIO_DIR: an upload could not be written; the sender was asked to retry");
            Problem::unavailable("the upload could not be written to the disk; send it again")
        }
    }
}

/// What was refused of an upload of which everything else is stored. Sending it again would not help.
#[derive(Default)]
pub(super) struct Refused {
    /// Why the words cannot be read.
    pub(super) words: Option<Problem>,
    pub(super) audio: Option<AudioRefusal>,
}

impl Refused {
    /// The answer; `None`: nothing was refused.
    pub(super) fn problem(&self) -> Option<Problem> {
        let audio = self.audio.map(|why| match why {
            AudioRefusal::NotOpus => (StatusCode::BAD_REQUEST, why.reason()),
            AudioRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, why.reason()),
        });
        match (&self.words, audio) {
            (None, None) => None,
            (Some(words), None) => Some(Problem::new(
                words.status(),
                format!(
                    "{}; the transcript is kept as an unreadable message, everything else was stored",
                    words.detail()
                ),
            )),
            (None, Some((status, reason))) => Some(Problem::new(
                status,
                format!("the audio was refused: {reason}; everything else was stored"),
            )),
            (Some(words), Some((_, reason))) => Some(Problem::new(
                words.status(),
                format!(
                    "{}; the transcript is kept as an unreadable message; the audio was refused: {reason}",
                    words.detail()
                ),
            )),
        }
    }
}

/// The answer to an upload whose words are stored, and whose rest may come the next time.
pub(super) fn without_rest(failure: &Problem) -> Problem {
    let detail = format!("{}; the transcript was stored", failure.detail());
    Problem::new(failure.status(), detail)
}
