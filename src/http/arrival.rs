//! A request's body: limits how long its sender keeps us waiting, and notes in its connection's state how it arrives.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    BoxError,
    body::{Bytes, HttpBody},
};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::phase::{ConnectionState, Phase};

/// How much time the bytes of a body give its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// None: the time is for the whole body.
    Fixed,
    /// A second for each 64 KiB, so that hours of audio may come through a slow connection, and one that stands still is given up.
    Streaming,
}

/// Bytes for which a streaming sender gets a second.
const STREAMED: f64 = 65_536.0;

/// A body between hyper and the handlers.
pub(super) struct Arriving {
    body: Incoming,
    state: Arc<ConnectionState>,
    /// How much longer its sender may keep us waiting; our own pauses do not count.
    patience: Duration,
    /// The most that this can be.
    limit: Duration,
    pace: Pace,
    /// Runs while we wait for the sender.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// The body of a request on the connection with this state.
    pub(super) fn new(
        body: Incoming,
        state: Arc<ConnectionState>,
        patience: Duration,
        pace: Pace,
    ) -> Arriving {
        Arriving {
            body,
            state,
            patience,
            limit: patience,
            pace,
            pause: None,
        }
    }

    /// Waits for the sender; an error when it has taken too long.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<BoxError> {
        let patience = self.patience;
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(pause.as_mut().poll(cx));
        Poll::Ready(io::Error::from(io::ErrorKind::TimedOut).into())
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.poll_pause(cx).map(|slow| Some(Err(slow)));
        };
        if let Some(pause) = self.pause.take() {
            self.patience = pause.deadline().duration_since(Instant::now());
        }
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        let bytes = data.map_or(0, Bytes::len);
        self.state.arrived(bytes);
        if self.pace == Pace::Streaming {
            let more = Duration::from_secs_f64(bytes as f64 / STREAMED);
            self.patience = self.limit.min(self.patience + more);
        }
        if frame.is_none() || self.body.is_end_stream() {
            self.state.set(Phase::Busy);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
