//! The parts of a multipart body, one after the other.

use axum::{BoxError, body::Bytes};
use futures_util::Stream;
use multer::{Field, Multipart};

use super::{
    inflate::BodyError,
    paced::{Paced, Progress},
    refusal::too_large,
};
use crate::http::error::Problem;

/// All parts of a body.
pub(super) struct Fields<'a> {
    multipart: Multipart<'a>,
    progress: Progress,
}

/// One of them.
pub(super) struct Part<'a> {
    field: Field<'a>,
    progress: Progress,
}

impl<'a> Fields<'a> {
    /// Of a body that has them between these boundaries.
    pub(super) fn new(
        body: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'a,
        boundary: String,
    ) -> Fields<'a> {
        let progress = Progress::default();
        let paced = Paced::new(Box::pin(body), progress.clone());
        Fields {
            multipart: Multipart::new(paced, boundary),
            progress,
        }
    }

    /// The next part, once its headers have come. The one before was dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Part<'a>>, Problem> {
        let next = self.multipart.next_field().await;
        self.progress.note();
        let next = next.map_err(cut_off)?;
        Ok(next.map(|field| Part {
            field,
            progress: self.progress.clone(),
        }))
    }
}

impl Part<'_> {
    /// Its name; empty if it has none.
    pub(super) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The next bytes of its content.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let chunk = self.field.chunk().await;
        self.progress.note();
        chunk.map_err(cut_off)
    }
}

/// Why the rest of the body cannot be read.
fn cut_off(error: multer::Error) -> Problem {
    let source = match &error {
        multer::Error::StreamReadFailed(source) => source.downcast_ref::<BodyError>(),
        _ => None,
    };
    match source {
        Some(BodyError::Headers) => Problem::bad_request(
            "a part of the body does not begin, or its headers are too long: at most 64 KiB",
        ),
        Some(BodyError::Damaged) => Problem::bad_request("the gzip data of the body is damaged"),
        Some(BodyError::TooLarge) => {
            too_large("the body is larger than AGENT_AUDIO_SIZE and 4 GiB more")
        }
        Some(BodyError::Incomplete) => Problem::incomplete(),
        None if is_incomplete(&error) => Problem::incomplete(),
        None => Problem::bad_request("the parts of the body are damaged"),
    }
}

/// Whether the body ended within a part.
fn is_incomplete(error: &multer::Error) -> bool {
    matches!(
        error,
        multer::Error::IncompleteStream
            | multer::Error::IncompleteHeaders
            | multer::Error::IncompleteFieldData { .. }
            | multer::Error::StreamReadFailed(_)
    )
}
