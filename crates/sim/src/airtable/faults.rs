//! What can go wrong on the way to Airtable, on demand.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

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
    /// Nothing is done; the connection closes without an answer.
    Reset,
    /// Nothing is done; the connection closes without an answer, so much later.
    Silent(Duration),
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
    /// The base is locked, as if somebody else had sent one request too many.
    Lockout,
    /// The row is saved, its new attachments are not, and `details` of the answer says so.
    NoAttachments,
    /// The work is done, then it goes on as this fault does.
    After(Box<Fault>),
}

/// Faults to come, each for so many requests, perhaps of one method only.
#[derive(Default)]
pub(super) struct Faults(VecDeque<Due>);

struct Due {
    times: usize,
    method: Option<Method>,
    fault: Fault,
}

impl Faults {
    pub fn push(&mut self, times: usize, method: Option<Method>, fault: Fault) {
        if times > 0 {
            self.0.push_back(Due {
                times,
                method,
                fault,
            });
        }
    }

    /// The fault for this request, if one is due: the first in line that it is meant for.
    pub fn take(&mut self, method: &Method, is_metadata: bool) -> Option<Fault> {
        let meant = |due: &Due| due.method.as_ref().is_none_or(|wanted| wanted == method);
        let at = self.0.iter().position(meant)?;
        let due = self.0.get_mut(at)?;
        if due.fault == Fault::Quota && is_metadata {
            return None;
        }
        due.times -= 1;
        let fault = due.fault.clone();
        if due.times == 0 {
            self.0.remove(at);
        }
        Some(fault)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Requests that will still go wrong.
    pub fn left(&self) -> usize {
        self.0.iter().map(|due| due.times).sum()
    }
}

impl Fault {
    /// Whether the request's work is done all the same.
    pub(super) fn works(&self) -> bool {
        match self {
            Self::AfterWrite | Self::Truncated | Self::Slow(_) => true,
            Self::NoAttachments | Self::After(_) => true,
            Self::Status(..) | Self::Html(_) | Self::Reset | Self::Silent(_) => false,
            Self::Quota | Self::Lockout | Self::Locked(_) => false,
        }
    }

    /// What comes back. `done` is the answer to the work, where it was done.
    pub(super) async fn answer(self, done: Response, connection: &Scissors) -> Response {
        let fault = match self {
            Self::After(fault) => *fault,
            fault => fault,
        };
        match fault {
            Self::Status(status, body) => of_status(status, body),
            Self::Html(status) => page(status),
            Self::Quota => respond(Err(Refusal::quota_used_up())),
            Self::Lockout => respond(Err(Refusal::rate_limited())),
            Self::Locked(seconds) => {
                let mut answer = respond(Err(Refusal::rate_limited()));
                answer.headers_mut().insert(RETRY_AFTER, seconds.into());
                answer
            }
            Self::Reset | Self::AfterWrite => {
                connection.cut();
                done
            }
            Self::Silent(wait) => {
                tokio::time::sleep(wait).await;
                connection.cut();
                done
            }
            Self::Truncated => half(done).await,
            Self::Slow(wait) => {
                tokio::time::sleep(wait).await;
                done
            }
            Self::NoAttachments => partial(done).await,
            Self::After(_) => done,
        }
    }
}

/// What a proxy before Airtable says.
pub(super) fn page(status: u16) -> Response {
    let page = "<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>";
    (code(status), [(CONTENT_TYPE, "text/html")], page).into_response()
}

fn of_status(status: u16, body: String) -> Response {
    let kind = [(CONTENT_TYPE, "application/json")];
    let mut answer = (code(status), kind, body).into_response();
    if status == 503 {
        answer.headers_mut().insert(RETRY_AFTER, 1.into());
    }
    answer
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The whole length in the headers, half of the bytes, then the end of the connection.
async fn half(answer: Response) -> Response {
    let (mut parts, bytes) = whole(answer).await;
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

/// A success that says that its attachments did not succeed.
async fn partial(answer: Response) -> Response {
    let (parts, bytes) = whole(answer).await;
    let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if parts.status.is_success() && body.is_object() {
        let reasons = ["attachmentsFailedUploading"];
        body["details"] = json!({"message": "partialSuccess", "reasons": reasons});
    }
    let mut parts = parts;
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.to_string()))
}

async fn whole(answer: Response) -> (axum::http::response::Parts, Bytes) {
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    (parts, bytes.unwrap_or_default())
}
