//! The body of a request of the agents SDK as it arrives, and its copy for LiveKit.

use std::sync::Arc;

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::Request,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::Mutex;

use crate::{
    domain::{Signer, Standing},
    forward::{BodyCopy, Destination, Forwarder},
    http::App,
};

/// Bytes that may follow the last part of a body.
const REST: usize = 64 << 10;

/// A body that is being received; clones share it.
#[derive(Clone)]
pub(super) struct ReceivedBody(Arc<Mutex<Arriving>>);

struct Arriving {
    frames: BodyDataStream,
    /// With LIVEKIT_OBSERVABILITY_FORWARD.
    copy: Option<BodyCopy>,
}

impl Arriving {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let next = self.frames.next().await;
        if let (Some(Ok(bytes)), Some(copy)) = (&next, &mut self.copy) {
            copy.write(bytes).await;
        }
        next
    }
}

impl ReceivedBody {
    /// With a copy of this name, if it goes on.
    pub(super) fn new(body: Body, onward: Option<&Onward>, id: &str) -> ReceivedBody {
        ReceivedBody(Arc::new(Mutex::new(Arriving {
            frames: body.into_data_stream(),
            copy: onward.map(|onward| onward.forwarder.begin(id)),
        })))
    }

    /// The body, piece by piece.
    pub(super) fn frames(&self) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + use<> {
        stream::unfold(self.clone(), |body| async move {
            let next = body.0.lock().await.next().await?;
            Some((next, body))
        })
    }

    /// The copy, if the whole body has come. The last part need not be the end of the body.
    pub(super) async fn into_copy(self) -> Option<BodyCopy> {
        let mut arriving = self.0.lock().await;
        arriving.copy.as_ref()?;
        let mut rest = 0;
        while let Some(next) = arriving.next().await {
            rest += next.ok()?.len();
            if rest > REST {
                return None;
            }
        }
        arriving.copy.take()
    }
}

/// Sends what was received on to LiveKit, later. With a copy that is missing, it is counted as dropped.
pub(super) struct Onward {
    forwarder: Forwarder,
    destination: Destination,
}

impl Onward {
    /// For this request, with LIVEKIT_OBSERVABILITY_FORWARD. What another project's key has signed is not LIVEKIT_URL's.
    pub(super) fn new(app: &App, request: &Request, signer: &Signer) -> Option<Onward> {
        if signer.standing != Standing::Ours {
            return None;
        }
        Some(Onward {
            forwarder: app.uploads.forwarder.clone()?,
            destination: Destination::new(request.uri().path(), request.headers()),
        })
    }

    /// Sends it.
    pub(super) async fn send(self, body: ReceivedBody) {
        let copy = body.into_copy().await;
        self.forwarder
            .send(copy.unwrap_or_default(), self.destination);
    }
}
