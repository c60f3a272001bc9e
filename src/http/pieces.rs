//! A large answer in pieces: as one growing buffer it would take twice its memory, and while it is sent all of it.

use std::{convert::Infallible, io};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

/// Bytes of a piece.
const PIECE: usize = 256 << 10;

/// The pieces of an answer.
#[derive(Default)]
pub(super) struct Pieces(Vec<Vec<u8>>);

impl Pieces {
    /// A value as JSON.
    pub(super) fn of_json(value: &impl Serialize) -> Pieces {
        let mut pieces = Pieces::default();
        // Neither writing into memory nor a view of ours fails.
        serde_json::to_writer(&mut pieces, value).ok();
        pieces
    }

    /// A text.
    pub(super) fn of_text(text: String) -> Pieces {
        Pieces(vec![text.into_bytes()])
    }

    /// The answer with these pieces; `place` is free again when it has been sent.
    pub(super) fn response(
        self,
        content_type: &'static str,
        place: Option<OwnedSemaphorePermit>,
    ) -> Response {
        let length: usize = self.0.iter().map(Vec::len).sum();
        let pieces = stream::iter(self.0).map(move |piece| {
            let _held = &place;
            Ok::<Bytes, Infallible>(piece.into())
        });
        let mut response = Response::new(Body::from_stream(pieces));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CONTENT_LENGTH, length.into());
        response
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.last_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE => last.extend_from_slice(bytes),
            _ => self.0.push(bytes.to_vec()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
