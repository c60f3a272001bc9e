//! The body of a report: JSON, or plain text.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use serde_json::{Value, value::RawValue};

use super::{error::Problem, repair};
use crate::domain::transcript;

/// What the content type says of a body that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFormat {
    /// It should have been JSON.
    Json,
    /// `text/plain`: it is a conversation in plain text.
    Text,
}

impl BodyFormat {
    /// The format that the request names.
    pub(super) fn of(headers: &HeaderMap) -> BodyFormat {
        let kind = headers.get(header::CONTENT_TYPE);
        match kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain")) {
            true => BodyFormat::Text,
            false => BodyFormat::Json,
        }
    }
}

/// Repairs JSON, and turns plain text into a JSON string. Browsers also send JSON as text/plain.
pub(super) fn as_json(text: String, format: BodyFormat) -> String {
    match (repair::json(&text), format) {
        (Some(Cow::Borrowed(_)), _) => text,
        (Some(Cow::Owned(repaired)), _) => repaired,
        (None, BodyFormat::Text) => Value::from(text).to_string(),
        (None, BodyFormat::Json) => text,
    }
}

/// Parses the body; 400 if it is not JSON or has no conversation.
pub(super) fn read(body: &str) -> Result<transcript::Outline, Problem> {
    let wrong = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!(
            "the body is not JSON: error at line {line}, column {column} (send plain text as a JSON string, or with the content type text/plain)"
        ))
    };
    let body: &RawValue = serde_json::from_str(body).map_err(wrong)?;
    let outline = transcript::outline(body);
    outline.map_err(|error| Problem::bad_request(error.to_string()))
}
