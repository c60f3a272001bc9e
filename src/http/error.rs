//! Errors as RFC 9457 problems. This is the only mapping to HTTP; it exposes no internals.

use std::any::Any;

use axum::{
    Json,
    body::Body,
    extract::rejection::{PathRejection, QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, PreEscaped, html};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::store;

/// Seconds. LiveKit honours it, and drops an event after 30 s: four attempts must fit into that.
pub(super) const RETRY_AFTER: &str = "7";

/// The JSON of an error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody<'a> {
    /// What is wrong, for people.
    detail: &'a str,
    /// The answer's status.
    status: u16,
    /// The status in words.
    title: &'static str,
    /// Always `about:blank`: the status says which kind of error it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
}

impl ProblemBody<'_> {
    /// The problem of an answer with this status.
    pub(super) fn new(status: StatusCode, detail: &str) -> ProblemBody<'_> {
        ProblemBody {
            detail,
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default(),
            kind: "about:blank",
        }
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// With any status; `detail` says what is wrong, for people.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
        }
    }

    /// 400: the request is wrong.
    pub(super) fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no token, or a bad one.
    pub(super) fn unauthorized(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: the token does not permit this.
    pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404
    pub(super) fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// 408: a body that did not arrive completely, or not in time.
    pub(super) fn incomplete() -> Problem {
        let detail = "the body was incomplete or took too long; send it again";
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// 503 with `Retry-After`: the sender retries.
    pub(super) fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 507: the rest of the disk is for webhooks.
    pub(super) fn disk_full() -> Problem {
        let detail = "the disk of the database is almost full, and the rest of it is kept for webhooks; nothing was stored, send it again later";
        Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    /// 503: a message could not be stored, and its sender must send it again.
    pub(super) fn not_stored(error: store::Error) -> Problem {
        Problem {
            detail: "the database is not available; nothing was stored, send it again".to_owned(),
            ..Problem::from(error)
        }
    }

    /// The answer's status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The answer to a link that people click: a page for browsers, which ask for HTML, and a problem for programs.
    pub(super) fn for_browser(self, headers: &HeaderMap) -> Response {
        let accept = headers.get(header::ACCEPT);
        let accept = accept.and_then(|value| value.to_str().ok());
        if !accept.is_some_and(|types| types.contains("text/html")) {
            return self.into_response();
        }
        let page = page(&self.detail);
        let mut response = self.into_response();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.map(|_| Body::from(page))
    }

    /// 405
    pub(super) fn method_not_allowed() -> Problem {
        let detail = "this address does not support that method";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        let detail = match error {
            store::Error::Unknown(_) => {
                "the database contains a value that this version does not know; see the log"
            }
            _ => "the database is not available; try again",
        };
        // The store logs by itself that it is not writable, once for all requests.
        if !matches!(error, store::Error::NotWritten(_)) {
            tracing::error!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "request failed; the sender was asked to retry"
            );
        }
        Problem::unavailable(detail)
    }
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Problem {
        Problem::bad_request(
            "the query is invalid: a name occurs twice, or a value has the wrong type",
        )
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Problem {
        Problem::not_found("this address does not exist")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tracing::debug!(
            status = self.status.as_u16(),
            detail = self.detail,
            "request refused"
        );
        let body = Json(ProblemBody::new(self.status, &self.detail));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INSUFFICIENT_STORAGE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            }
            StatusCode::UNAUTHORIZED => {
                let scheme = HeaderValue::from_static("Bearer");
                headers.insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        // For those who make a page of it.
        response.extensions_mut().insert(self);
        response
    }
}

/// A text that begins with a capital letter.
pub(super) fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// The style of the page.
const STYLE: &str = ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}";

/// Permits the page's style and nothing else.
pub(super) fn content_security_policy() -> HeaderValue {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

fn page(detail: &str) -> String {
    let sentence = capitalized(detail);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "This link does not work" }
                style { (PreEscaped(STYLE)) }
            }
            body { p { (sentence) "." } }
        }
    };
    page.into_string()
}

/// The answer to a request whose handler panicked.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    let detail = "internal error; see the log";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
