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
    /// The file was recorded, and the storage did not take it. `status`: its answer's, if LiveKit says it.
    Upload { status: Option<u16> },
    /// The file was recorded, and the storage gave LiveKit no answer.
    Unreachable,
    /// It was stopped before any audio arrived.
    Stopped,
    /// Anything else, also a text that this version does not know.
    #[default]
    Other,
}

/// What the AWS SDK of LiveKit's egress and Go's network library say of a request that got no answer, in lower case.
const UNANSWERED: [&str; 11] = [
    "request send failed",
    "send request failed",
    "dial tcp",
    "no such host",
    "connection refused",
    "connection reset",
    "no route to host",
    "network is unreachable",
    "i/o timeout",
    "handshake timeout",
    "deadline exceeded",
];
/// Precedes the status of the storage's answer in the SDK's texts; 0 is none.
const STATUS: &str = "StatusCode: ";

impl FailureKind {
    /// LiveKit has no code of its own for uploads: their texts are like `S3 upload failed: …`, all with code 400.
    fn parse(text: &str) -> FailureKind {
        match text {
            text if text.contains("upload") => FailureKind::of_upload(text),
            text if text.starts_with("Stop called") => FailureKind::Stopped,
            _ => FailureKind::Other,
        }
    }

    fn of_upload(text: &str) -> FailureKind {
        let status = answered(text);
        let lower = text.to_lowercase();
        match status.is_none() && UNANSWERED.iter().any(|it| lower.contains(it)) {
            true => FailureKind::Unreachable,
            false => FailureKind::Upload { status },
        }
    }
}

/// The HTTP status that an upload's text names; the SDK writes 0 where there was no answer.
fn answered(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once(STATUS)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits
        .parse()
        .ok()
        .filter(|status| (100..600).contains(status))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_without_an_answer_is_told_from_one_that_was_refused() {
        let unreachable = [
            "S3 upload failed: operation error S3: PutObject, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Put \"https://s3.example.com/b/k.mp3\": dial tcp: lookup s3.example.com: no such host",
            "S3 upload failed: RequestError: send request failed\ncaused by: Put \"http://10.0.0.1/b/k.mp3\": dial tcp 10.0.0.1:80: connect: connection refused",
            "S3 upload failed: context deadline exceeded",
        ];
        for text in unreachable {
            assert_eq!(
                EgressError::from(text).kind(),
                FailureKind::Unreachable,
                "{text}"
            );
        }
        let refused = [
            (
                "S3 upload failed: https response error StatusCode: 403, RequestID: 1, api error AccessDenied: no",
                Some(403),
            ),
            (
                "S3 upload failed: https response error StatusCode: 503, api error SlowDown: connection reset by a peer",
                Some(503),
            ),
            ("S3 upload failed: AccessDenied: Access Denied", None),
            ("S3 upload failed: StatusCode: none", None),
        ];
        for (text, status) in refused {
            assert_eq!(
                EgressError::from(text).kind(),
                FailureKind::Upload { status },
                "{text}"
            );
        }
        let others = [
            (
                "Stop called before pipeline could start",
                FailureKind::Stopped,
            ),
            ("dial tcp: no such host", FailureKind::Other),
        ];
        for (text, kind) in others {
            assert_eq!(EgressError::from(text).kind(), kind, "{text}");
        }
    }
}
