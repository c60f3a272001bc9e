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
    /// `text/plain`, captions and the like: it is a conversation in plain text.
    Text,
    /// Nothing: programs that send files often set no type, or a form's.
    Unknown,
}

/// Types of text that is not `text/…`.
const TEXTS: [&str; 2] = ["application/x-subrip", "application/srt"];
/// Types that programs set for any body; curl's is a form's.
const ANY: [&str; 2] = [
    "application/octet-stream",
    "application/x-www-form-urlencoded",
];

impl BodyFormat {
    /// The format that the request names.
    pub(super) fn of(headers: &HeaderMap) -> BodyFormat {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind.to_ascii_lowercase().as_str() {
            "text/json" | "text/html" => BodyFormat::Json,
            kind if kind.starts_with("text/") || TEXTS.contains(&kind) => BodyFormat::Text,
            kind if kind.is_empty() || ANY.contains(&kind) => BodyFormat::Unknown,
            _ => BodyFormat::Json,
        }
    }
}

/// Repairs JSON, and turns plain text into a JSON string. Browsers also send JSON as text/plain.
pub(super) fn as_json(text: String, format: BodyFormat) -> String {
    match (repair::json(&text), format) {
        (Some(Cow::Borrowed(_)), _) => text,
        (Some(Cow::Owned(repaired)), _) => repaired,
        (None, BodyFormat::Text) => Value::from(text).to_string(),
        (None, BodyFormat::Unknown) if is_prose(&text) => Value::from(text).to_string(),
        (None, BodyFormat::Unknown | BodyFormat::Json) => text,
    }
}

/// Whether a body that is not JSON is neither meant to be, nor a form, nor a page.
fn is_prose(text: &str) -> bool {
    let text = text.trim();
    text.contains(char::is_whitespace) && !text.starts_with(['{', '[', '"', '<'])
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
