//! A body on its way to the parser of its parts. The parser keeps whatever it cannot use yet, and takes everything that is ready: without
//! a bound, headers of a part that never end would fill the memory, and so would a compressed body that is decompressed faster than
//! its parts are read.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{BoxError, body::Bytes};
use futures_util::Stream;

use super::inflate::BodyError;

/// Bytes that the parser gets at once.
const PIECE: usize = 64 << 10;
/// Bytes that may come without a new part, or something of its content: the text before the first part, and the headers of each.
const UNPARSED_BYTES: usize = 2 * PIECE;
/// Pieces that may: the parser looks at everything again whenever something comes.
const UNPARSED_PIECES: usize = 1000;

/// Says to a [`Paced`] body that the parser has found a new part, or something of its content.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicBool>);

impl Progress {
    /// It has: what has come may have more of them, and is parsed before more comes.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The pieces of a body, each of which comes when the parser can do nothing with those before.
pub(super) struct Paced<S> {
    body: S,
    progress: Progress,
    /// What has come and was not handed on.
    pending: Bytes,
    /// The last poll has handed on a piece, which is to be parsed.
    is_parsed_next: bool,
    /// Since the last progress.
    unparsed_bytes: usize,
    unparsed_pieces: usize,
}

impl<S> Paced<S> {
    /// `progress` is noted by whoever reads the parts.
    pub(super) fn new(body: S, progress: Progress) -> Paced<S> {
        Paced {
            body,
            progress,
            pending: Bytes::new(),
            is_parsed_next: false,
            unparsed_bytes: 0,
            unparsed_pieces: 0,
        }
    }

    fn piece(&mut self) -> Result<Bytes, BodyError> {
        let piece = self.pending.split_to(PIECE.min(self.pending.len()));
        self.unparsed_bytes += piece.len();
        self.unparsed_pieces += 1;
        self.is_parsed_next = true;
        let is_bounded =
            self.unparsed_bytes <= UNPARSED_BYTES && self.unparsed_pieces <= UNPARSED_PIECES;
        is_bounded.then_some(piece).ok_or(BodyError::Headers)
    }
}

impl<S> Stream for Paced<S>
where
    S: Stream<Item = Result<Bytes, BoxError>> + Unpin,
{
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let has_progressed = self.progress.take();
        if has_progressed {
            (self.unparsed_bytes, self.unparsed_pieces) = (0, 0);
        }
        if has_progressed || std::mem::take(&mut self.is_parsed_next) {
            // The parser parses what it has when nothing more is ready.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.pending.is_empty() {
            match Pin::new(&mut self.body).poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => self.pending = bytes,
                other => return other,
            }
        }
        Poll::Ready(Some(self.piece().map_err(BoxError::from)))
    }
}
