//! Reads error responses and missing responses.

use serde::Deserialize;

use super::error::{Error, ErrorKind};

/// Whether a request may be sent again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    Safe,
    /// Sending it twice does it twice: a lost answer is [`ErrorKind::UnknownOutcome`], not [`ErrorKind::Transient`].
    Unsafe,
}

/// The kind of an error after which the request may have been executed.
pub(super) fn lost(repeats: Repeats) -> ErrorKind {
    match repeats {
        Repeats::Safe => ErrorKind::Transient,
        Repeats::Unsafe => ErrorKind::UnknownOutcome,
    }
}

/// The request got no answer.
pub(super) fn transport(repeats: Repeats, error: reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::InvalidUrl {
            source: error.without_url(),
        };
    }
    let (kind, what) = match () {
        () if error.is_connect() => (ErrorKind::Transient, "no connection"),
        () if error.is_timeout() => (lost(repeats), "timed out"),
        () => (lost(repeats), "the connection was lost"),
    };
    Error::Transport {
        kind,
        what,
        source: error.without_url(),
    }
}

/// An error of LiveKit's API.
#[derive(Deserialize)]
struct Body {
    code: String,
    #[serde(default)]
    msg: String,
}

/// Twirp's error codes, as far as the HTTP status does not say as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    NotFound,
    Other,
}

impl Code {
    fn parse(code: &str) -> Code {
        match code {
            "not_found" => Code::NotFound,
            _ => Code::Other,
        }
    }
}

/// LiveKit, or a proxy before it, answered with an error.
pub(super) fn refused(repeats: Repeats, status: u16, body: &[u8]) -> Error {
    let body = serde_json::from_slice::<Body>(body).ok();
    let code = body.as_ref().map(|b| Code::parse(&b.code));
    let kind = match (status, code) {
        (401 | 403, _) => return Error::Unauthorized { status },
        (_, Some(Code::NotFound)) => ErrorKind::NotFound,
        // A gateway or LiveKit timed out: the request may have been executed. Twirp's 409 means that it already exists.
        (408 | 409 | 502 | 504, _) => lost(repeats),
        // Not an error of LiveKit's: a proxy may answer 404 or redirect while the server behind it restarts.
        (429 | 500.., _) | (_, None) => ErrorKind::Transient,
        _ => ErrorKind::BadRequest,
    };
    match body {
        Some(body) => Error::Twirp {
            kind,
            status,
            code: shown(&body.code),
            message: shown(&body.msg),
        },
        None => Error::NotTwirp { kind, status },
    }
}

/// A text from outside, short and on one line, without the prefix of every message of LiveKit's.
fn shown(text: &str) -> String {
    let text = text.strip_prefix("twirp error unknown: ").unwrap_or(text);
    // Tokens start like this: `{"` in base64.
    if text.contains("eyJ") {
        return "(hidden: the text contains a token)".into();
    }
    text.chars()
        .take(300)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
