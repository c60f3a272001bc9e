//! What LiveKit says of an egress that did not end well.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `EgressInfo.error`: LiveKit's text and what it means. Stored as the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct EgressError {
    text: String,
    kind: FailureKind,
}

/// What failed, as far as LiveKit's text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum FailureKind {
    /// The file was recorded and could not be put into the bucket.
    Upload,
    /// It was stopped before any audio came.
    Stopped,
    /// Anything else, also a text that this version does not know.
    #[default]
    Other,
}

impl FailureKind {
    /// LiveKit has no code of its own for uploads: their texts are like `S3 upload failed: …` with code 400.
    fn parse(text: &str) -> FailureKind {
        match text {
            text if text.contains("upload") => FailureKind::Upload,
            text if text.starts_with("Stop called") => FailureKind::Stopped,
            _ => FailureKind::Other,
        }
    }
}

impl EgressError {
    /// LiveKit's own words, which may hold a room's name; empty without an error.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What failed.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// LiveKit reported no error.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl From<String> for EgressError {
    fn from(text: String) -> EgressError {
        EgressError {
            kind: FailureKind::parse(&text),
            text,
        }
    }
}

impl From<&str> for EgressError {
    fn from(text: &str) -> EgressError {
        text.to_owned().into()
    }
}

impl From<EgressError> for String {
    fn from(error: EgressError) -> String {
        error.text
    }
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
