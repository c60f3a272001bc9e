//! What can go wrong on the way to Airtable, on demand.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::refusal::Refusal;
use super::server::respond;
use super::wire::Scissors;

/// How one request fails.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing is done; this status and this body (taken for JSON). A 503 says `Retry-After: 1`.
    Status(u16, String),
    /// Nothing is done; this status with a page, as a proxy before Airtable gives it.
    Html(u16),
    /// The work is done, then the connection closes without an answer.
    AfterWrite,
    /// The work is done, the answer breaks off in the middle of its body.
    Truncated,
    /// The work is done at once, the answer comes so much later.
    Slow(Duration),
    /// Nothing is done; 429, and the base may be asked again after so many seconds (`Retry-After`).
    Locked(u16),
    /// The month's calls are used up: 429 on records; the metadata API still answers and leaves this fault standing.
    Quota,
}

#[derive(Default)]
pub(super) struct Faults(VecDeque<(usize, Fault)>);

impl Faults {
    pub fn push(&mut self, times: usize, fault: Fault) {
        if times > 0 {
            self.0.push_back((times, fault));
        }
    }

    /// The fault for this request, if one is due.
    pub fn take(&mut self, is_metadata: bool) -> Option<Fault> {
        let (times, fault) = self.0.front_mut()?;
        if *fault == Fault::Quota && is_metadata {
            return None;
        }
        *times -= 1;
        let fault = fault.clone();
        if *times == 0 {
            self.0.pop_front();
        }
        Some(fault)
    }
}

impl Fault {
    /// The answer of a fault that keeps the work from being done.
    pub(super) fn instead(&self) -> Option<Response> {
        match self {
            Self::Status(status, body) => {
                let mut answer = (
                    code(*status),
                    [(CONTENT_TYPE, "application/json")],
                    body.clone(),
                )
                    .into_response();
                if *status == 503 {
                    answer.headers_mut().insert(RETRY_AFTER, 1.into());
                }
                Some(answer)
            }
            Self::Html(status) => {
                let page = "<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>";
                Some((code(*status), [(CONTENT_TYPE, "text/html")], page).into_response())
            }
            Self::Locked(seconds) => {
                let mut answer = respond(Err(Refusal::rate_limited()));
                answer.headers_mut().insert(RETRY_AFTER, (*seconds).into());
                Some(answer)
            }
            Self::Quota => Some(respond(Err(Refusal::quota_used_up()))),
            Self::AfterWrite | Self::Truncated | Self::Slow(_) => None,
        }
    }

    /// What becomes of the answer once the work is done.
    pub(super) async fn spoil(&self, answer: Response, connection: &Scissors) -> Response {
        match self {
            Self::AfterWrite => {
                connection.cut();
                answer
            }
            Self::Truncated => half(answer).await,
            Self::Slow(wait) => {
                tokio::time::sleep(*wait).await;
                answer
            }
            Self::Status(..) | Self::Html(_) | Self::Locked(_) | Self::Quota => answer,
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The whole length in the headers, half of the bytes, then the end of the connection.
async fn half(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, bytes.len().into());
    let half = bytes.slice(..bytes.len() / 2);
    let half = stream::once(async { Ok::<Bytes, std::io::Error>(half) });
    let broken = stream::once(async {
        // Once around, so that headers and half are on their way before the connection breaks.
        tokio::task::yield_now().await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    });
    Response::from_parts(parts, Body::from_stream(half.chain(broken)))
}
