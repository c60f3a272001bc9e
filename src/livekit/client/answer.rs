//! Reads error responses and missing responses.

use reqwest::StatusCode;
use serde::Deserialize;

use super::error::{Error, ErrorKind, WrongPart};

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

/// The largest answer that is read, in bytes: a list of ten thousand rooms or recordings has a few MiB. It is decoded in
/// memory, and whoever answers at LIVEKIT_URL decides how long it is.
const LONGEST: usize = 16 << 20;

/// Bytes of an error's body that are read.
const LONGEST_ERROR: usize = 64 << 10;

/// The body of an answer, if it is not too long; of an error its beginning.
pub(super) async fn limited(
    repeats: Repeats,
    mut answer: reqwest::Response,
) -> Result<Vec<u8>, Error> {
    let (is_error, mut body) = (answer.status() != StatusCode::OK, Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(|e| transport(repeats, e))? {
        if is_error && body.len() > LONGEST_ERROR {
            break;
        }
        if body.len() + chunk.len() > LONGEST {
            return Err(Error::TooLong {
                kind: lost(repeats),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
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
    Unauthenticated,
    PermissionDenied,
    ResourceExhausted,
    Other,
}

impl Code {
    fn parse(code: &str) -> Code {
        match code {
            "not_found" => Code::NotFound,
            "unauthenticated" => Code::Unauthenticated,
            "permission_denied" => Code::PermissionDenied,
            "resource_exhausted" => Code::ResourceExhausted,
            _ => Code::Other,
        }
    }
}

/// The error of a response from LiveKit or a proxy. Only 401 is about the key; `permission_denied` is about the account or
/// the project.
pub(super) fn refused(repeats: Repeats, status: u16, body: &[u8]) -> Error {
    let twirp = serde_json::from_slice::<Body>(body).ok();
    let code = twirp.as_ref().map(|b| Code::parse(&b.code));
    let kind = match (status, code) {
        (_, Some(Code::NotFound)) => ErrorKind::NotFound,
        (_, Some(Code::Unauthenticated)) => ErrorKind::Unauthorized,
        (_, Some(Code::PermissionDenied)) => ErrorKind::BadRequest,
        // Older versions of Twirp send it with 403.
        (_, Some(Code::ResourceExhausted)) => ErrorKind::Transient,
        (401, None) if is_page(body) => ErrorKind::Transient,
        (401, _) => ErrorKind::Unauthorized,
        // A gateway or LiveKit timed out: the request may have been executed. Twirp's 409 means that it already exists.
        (408 | 409 | 502 | 504, _) => lost(repeats),
        // Not the answers of a proxy whose server restarts.
        (402 | 451, None) => ErrorKind::BadRequest,
        // Not an error of LiveKit's: a proxy may answer 404 or redirect while the server behind it restarts.
        (_, None) => ErrorKind::Transient,
        (501, _) => ErrorKind::BadRequest,
        (429 | 500.., _) => ErrorKind::Transient,
        _ => ErrorKind::BadRequest,
    };
    match twirp {
        _ if kind == ErrorKind::Unauthorized => Error::Unauthorized {
            status,
            words: key_words(twirp.map(|body| body.msg), body),
            wrong: wrong_part(body),
        },
        Some(body) => Error::Twirp {
            kind,
            status,
            code: shown(&body.code),
            message: shown(&body.msg),
        },
        None => Error::NotTwirp {
            kind,
            status,
            words: plain_words(body).map_or_else(String::new, |words| format!(" ({words})")),
        },
    }
}

/// What LiveKit's words blame. It repeats the token, of which nothing is kept.
fn wrong_part(body: &[u8]) -> WrongPart {
    let text = String::from_utf8_lossy(body).to_lowercase();
    let says = |words: &str| text.contains(words);
    match () {
        () if says("invalid api key") => WrongPart::Key,
        () if says("expired") || says("not valid yet") => WrongPart::Clock,
        () if says("cryptographic primitive") || says("signature") => WrongPart::Secret,
        () => WrongPart::Unknown,
    }
}

/// LiveKit's message about the key, without a token that it may contain.
fn key_words(message: Option<String>, body: &[u8]) -> String {
    let words = message.map(|message| shown(&message));
    let words = words.or_else(|| plain_words(body));
    match words.filter(|words| !words.is_empty() && words != HIDDEN) {
        Some(words) => format!("{words}; "),
        None => String::new(),
    }
}

/// The body if it is a short text and not a page.
fn plain_words(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_short = !text.is_empty() && text.len() <= 1000;
    (is_short && !is_page(body)).then(|| shown(text))
}

/// Whether the body is HTML, which comes from a proxy and not from LiveKit.
fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Replaces a text that must not be shown.
const HIDDEN: &str = "(hidden: the text contains a token)";

/// A text from outside, short and on one line, without the prefix of every message of LiveKit's.
fn shown(text: &str) -> String {
    let text = text.strip_prefix("twirp error unknown: ").unwrap_or(text);
    // Tokens start like this: `{"` in base64.
    if text.contains("eyJ") {
        return HIDDEN.into();
    }
    text.chars()
        .take(300)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
