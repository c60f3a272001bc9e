//! Errors as RFC 9457 problems. The one mapping to HTTP; it leaks nothing.

use std::any::Any;

use axum::{
    Json,
    body::Body,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, html};
use serde_json::json;

use crate::store;

/// Seconds. LiveKit honours it and drops what waits behind it for 30 s, so that four tries must fit into that.
pub const RETRY_AFTER: &str = "7";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unauthorized(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// A body that did not arrive whole; `too_large` says what the limit is.
    pub fn no_body(rejection: &BytesRejection, too_large: &str) -> Problem {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, too_large),
            _ => {
                let detail = "the body broke off or took too long; send it again";
                Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
            }
        }
    }

    /// The sender is told to come again.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// For links that people click: a page in a browser, which asks for HTML, and a problem for programs.
    pub fn shown_to(self, headers: &HeaderMap) -> Response {
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

    pub fn method_not_allowed() -> Problem {
        let detail = "this address does not take that method";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        // What could not be written is told once for all, by the store.
        if !matches!(error, store::Error::NotWritten(_)) {
            tracing::error!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "a request could not be answered; the sender was told to come again"
            );
        }
        let detail = "the database does not answer; nothing was stored, send it again";
        Problem::unavailable(detail)
    }
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Problem {
        Problem::bad_request("the query cannot be read: a name twice, or a value of the wrong kind")
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Problem {
        Problem::no_body(&rejection, "the body is too large")
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Problem {
        Problem::not_found("there is nothing at this address")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tracing::debug!(
            status = self.status.as_u16(),
            detail = self.detail,
            "a request was refused"
        );
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            }
            StatusCode::UNAUTHORIZED => {
                let scheme = HeaderValue::from_static("Bearer");
                headers.insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

fn page(detail: &str) -> String {
    let mut sentence = detail.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "This link leads nowhere now" }
                style { "body{font:1.1rem/1.5 system-ui,sans-serif;color-scheme:light dark;max-width:32rem;margin:20vh auto;padding:0 1rem}" }
            }
            body { p { (sentence) "." } }
        }
    };
    page.into_string()
}

/// The answer to a request that hit a bug.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    let detail = "this request hit a bug; the log says more";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
