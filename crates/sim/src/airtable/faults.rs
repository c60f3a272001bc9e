//! Faults on demand: what goes wrong at Airtable and on the way there.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::connection::ResetHandle;
use super::refusal::{Refusal, respond};

/// How one request fails. "Not executed" means that the request changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Not executed; this status and this body, sent as JSON. A 503 has `Retry-After: 1`.
    Status(u16, String),
    /// Not executed; this status with an HTML page, as from a proxy in front of Airtable.
    Html(u16),
    /// Not executed; the connection closes without an answer.
    Reset,
    /// Not executed; the connection closes without an answer after this time.
    Silent(Duration),
    /// Executed, then the connection closes without an answer.
    AfterWrite,
    /// Executed; the answer ends in the middle of its body.
    Truncated,
    /// Executed at once; the answer comes after this time.
    Slow(Duration),
    /// Not executed; 429 with `Retry-After` in seconds.
    Locked(u16),
    /// The monthly limit of API calls is reached: 429 on records. The metadata API still answers and does not use the fault up.
    Quota,
    /// The base is locked out, as if another client had sent one request too many.
    Lockout,
    /// The row is saved without its new attachments, and `details` of the answer says so.
    NoAttachments,
    /// Executed, then as this fault.
    After(Box<Fault>),
}

/// Queued faults, each for a number of requests, of any method or of one.
#[derive(Default)]
pub(super) struct Faults(VecDeque<Due>);

struct Due {
    times: usize,
    method: Option<Method>,
    fault: Fault,
}

impl Faults {
    /// Queues a fault for the next `times` requests; None is any method.
    pub(super) fn push(&mut self, times: usize, method: Option<Method>, fault: Fault) {
        if times > 0 {
            self.0.push_back(Due {
                times,
                method,
                fault,
            });
        }
    }

    /// Takes the first queued fault that applies to this request.
    pub(super) fn take(&mut self, method: &Method, is_metadata: bool) -> Option<Fault> {
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

    /// Drops all queued faults.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many requests the queued faults are for.
    pub(super) fn left(&self) -> usize {
        self.0.iter().map(|due| due.times).sum()
    }
}

impl Fault {
    /// Whether the request is executed all the same.
    pub(super) fn executes(&self) -> bool {
        match self {
            Self::AfterWrite | Self::Truncated | Self::Slow(_) => true,
            Self::NoAttachments | Self::After(_) => true,
            Self::Status(..) | Self::Html(_) | Self::Reset | Self::Silent(_) => false,
            Self::Quota | Self::Lockout | Self::Locked(_) => false,
        }
    }

    /// The answer that the client gets. `done` is the answer of the execution, if there was one.
    pub(super) async fn answer(self, done: Response, connection: &ResetHandle) -> Response {
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
                connection.reset();
                done
            }
            Self::Silent(wait) => {
                tokio::time::sleep(wait).await;
                connection.reset();
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

/// The page of a proxy in front of Airtable.
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

/// The full length in the headers, half of the bytes, then the end of the connection.
async fn half(answer: Response) -> Response {
    let (mut parts, bytes) = whole(answer).await;
    parts.headers.insert(CONTENT_LENGTH, bytes.len().into());
    let half = bytes.slice(..bytes.len() / 2);
    let half = stream::once(async { Ok::<Bytes, std::io::Error>(half) });
    let broken = stream::once(async {
        // The headers and the first half must be sent before the connection breaks.
        tokio::task::yield_now().await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    });
    Response::from_parts(parts, Body::from_stream(half.chain(broken)))
}

/// A success whose `details` say that the attachments failed.
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
