//! Twirp as LiveKit implements it: protobuf or JSON, the answer in the format of the request.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use serde::de::DeserializeOwned;

use super::json::{self, Fields, Style};

/// An error answer: HTTP status, Twirp code and message.
#[derive(Debug)]
pub(super) struct Error {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl Error {
    /// An error with this message.
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
        }
    }

    /// 404 `not_found`, worded as LiveKit does.
    pub(super) fn not_found(message: &str) -> Self {
        let message = format!("twirp error unknown: {message}");
        Self {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = serde_json::json!({"code": self.code, "msg": self.message});
        (self.status, Json(body)).into_response()
    }
}

/// The answer for an unknown method, e.g. StartEgress before livekit-server 1.13.2.
pub(super) fn bad_route(path: &str) -> Response {
    let meta = serde_json::json!({"twirp_invalid_route": format!("POST {path}")});
    let body = serde_json::json!({"code": "bad_route", "msg": format!("no handler for path {path:?}"), "meta": meta});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// The two formats of Twirp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Protobuf,
    Json,
}

impl Wire {
    /// The format that the request's content type names.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match value.split(';').next()?.trim() {
            "application/protobuf" => Some(Wire::Protobuf),
            "application/json" => Some(Wire::Json),
            _ => None,
        }
    }

    /// Decodes a request; an error is 400 `malformed`.
    pub(super) fn read<M: Message + Default + DeserializeOwned>(
        self,
        body: &Bytes,
    ) -> Result<M, Error> {
        let malformed = |why: String| Error {
            status: StatusCode::BAD_REQUEST,
            code: "malformed",
            message: format!("the request could not be decoded: {why}"),
        };
        match self {
            Wire::Protobuf => {
                M::decode(body.as_ref()).map_err(|error| malformed(error.to_string()))
            }
            Wire::Json => {
                serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
            }
        }
    }

    /// Encodes an answer; `fields` is used for JSON.
    pub(super) fn answer<M: Message>(self, message: &M, fields: impl Fn(&M) -> Fields) -> Response {
        match self {
            Wire::Protobuf => (
                [(header::CONTENT_TYPE, "application/protobuf")],
                message.encode_to_vec(),
            )
                .into_response(),
            Wire::Json => {
                let body = json::write(&fields(message), Style::Twirp);
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
        }
    }
}
