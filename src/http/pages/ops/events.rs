//! `/ops/events`: what changes, as server-sent events.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::stream;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};
use url::form_urlencoded;

use super::live::{LiveEvent, Watch};
use crate::{
    domain::Scope,
    http::{App, error::Problem, visitor::Visitor},
};

/// How often a connection without events shows that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// After so long a connection ends, and the browser opens another one, if it is still signed in.
const LONGEST: Duration = Duration::from_secs(300);
/// The beginning: the browser tries again after two seconds.
const BEGINNING: &str = "retry: 2000\nevent: open\ndata: \n\n";

/// Watches the list, or a call.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    visitor.require(Scope::Read)?;
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let call = pairs.find(|(name, _)| name == "call");
    let watch = app.ops.live.watch(call.map(|(_, id)| id.into_owned()));
    let watch = watch.ok_or_else(|| {
        Problem::unavailable(
            "too many pages are open; this one shows changes when it is loaded again",
        )
    })?;
    let events = Events {
        watch,
        until: Instant::now() + LONGEST,
        has_begun: false,
        app: app.clone(),
    };
    let body = Body::from_stream(stream::unfold(events, Events::next));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    // Proxies that gather an answer before they send it would keep the events.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Events {
    watch: Watch,
    until: Instant,
    has_begun: bool,
    app: Arc<App>,
}

type Chunk = Result<Bytes, std::convert::Infallible>;

impl Events {
    async fn next(mut self) -> Option<(Chunk, Events)> {
        if !self.has_begun {
            self.has_begun = true;
            return Some((Ok(Bytes::from_static(BEGINNING.as_bytes())), self));
        }
        let stop = self.app.ops.live.stop.clone();
        let text = stop.run_until_cancelled(self.text()).await??;
        Some((Ok(Bytes::from(text)), self))
    }

    /// The next event; `None`: the connection ends.
    async fn text(&mut self) -> Option<String> {
        loop {
            if Instant::now() >= self.until {
                return None;
            }
            let silence = (Instant::now() + SIGN_OF_LIFE).min(self.until);
            match timeout_at(silence, self.watch.events.recv()).await {
                Err(_) => return Some(":\n\n".to_owned()),
                Ok(Ok(event)) => {
                    if let Some(text) = self.shown(&event) {
                        return Some(text);
                    }
                }
                // The page is to be loaded again.
                Ok(Err(RecvError::Lagged(_))) => {
                    return Some("event: missed\ndata: \n\n".to_owned());
                }
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }

    fn shown(&self, event: &LiveEvent) -> Option<String> {
        match (event, &self.watch.call_id) {
            (LiveEvent::Calls(json), None) => Some(format!("event: calls\ndata: {json}\n\n")),
            (LiveEvent::Call(id), Some(own)) if **id == **own => {
                Some("event: call\ndata: \n\n".to_owned())
            }
            _ => None,
        }
    }
}
