//! One request to LiveKit's API, and what an error of it means.
//!
//! The messages and the token are LiveKit's own (`livekit-protocol`, `livekit-api`); the request is not sent with
//! `livekit-api`'s clients, which lose the HTTP status of an answer that is not Twirp (a wrong secret, a proxy's page),
//! drop the token of the next page, and cannot be told apart from each other when an answer is lost. Enum values newer
//! than our `livekit-protocol` come through as numbers.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, VideoGrants};
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

#[derive(Clone)]
pub struct Twirp {
    pub http: reqwest::Client,
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
}

#[derive(Clone, Copy)]
pub struct Call {
    pub service: &'static str,
    pub method: &'static str,
    pub timeout: Duration,
    /// Sending it twice does it twice: a lost answer is [`Kind::Unanswered`], not [`Kind::Passing`].
    pub starts: bool,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Try again later.
    Passing,
    /// A person must look at LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
    Unauthorized,
    /// The same request will be refused again.
    BadRequest,
    /// No such room or egress.
    NotFound,
    /// The start was sent and nobody knows what became of it.
    Unanswered,
}

/// Nothing that was sent is in it: LiveKit repeats the whole token in its plain-text 401.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("LiveKit does not answer: {what}")]
    Transport {
        kind: Kind,
        what: &'static str,
        source: reqwest::Error,
    },
    #[error(
        "LiveKit refuses the API key ({status}): check LIVEKIT_API_KEY, LIVEKIT_API_SECRET and this machine's clock"
    )]
    Unauthorized { status: u16 },
    #[error("LiveKit says {code} ({status}): {message}")]
    Twirp {
        kind: Kind,
        status: u16,
        code: String,
        message: String,
    },
    #[error(
        "LIVEKIT_URL answers {status} without an error of LiveKit's API: is it LiveKit, or a proxy before it?"
    )]
    NotTwirp { kind: Kind, status: u16 },
    #[error("LiveKit's answer cannot be read")]
    Answer {
        kind: Kind,
        source: prost::DecodeError,
    },
    #[error("no token can be made with LIVEKIT_API_KEY and LIVEKIT_API_SECRET")]
    Token,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized { .. } | Self::Token => Kind::Unauthorized,
            Self::Transport { kind, .. }
            | Self::Twirp { kind, .. }
            | Self::NotTwirp { kind, .. }
            | Self::Answer { kind, .. } => *kind,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Twirp { status, .. }
            | Self::NotTwirp { status, .. }
            | Self::Unauthorized { status } => Some(*status),
            _ => None,
        }
    }
}

impl Twirp {
    pub async fn post<A: Message + Default>(
        &self,
        call: Call,
        grants: VideoGrants,
        request: &impl Message,
    ) -> Result<A, Error> {
        let token = AccessToken::with_api_key(&self.api_key, self.api_secret.expose_secret())
            .with_ttl(Duration::from_secs(600))
            .with_grants(grants)
            .to_jwt()
            .map_err(|_| Error::Token)?;
        let url = format!(
            "{}/twirp/livekit.{}/{}",
            self.url, call.service, call.method
        );
        let sent = self
            .http
            .post(url)
            .bearer_auth(token)
            .header(CONTENT_TYPE, "application/protobuf")
            .body(request.encode_to_vec())
            .timeout(call.timeout)
            .send();
        let answer = sent.await.map_err(|e| transport(call, e))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|e| transport(call, e))?;
        if status == 200 {
            return A::decode(body).map_err(|source| Error::Answer {
                kind: lost(call),
                source,
            });
        }
        Err(refused(call, status, &body))
    }
}

/// The kind of an error after which the request may have been done.
fn lost(call: Call) -> Kind {
    if call.starts {
        Kind::Unanswered
    } else {
        Kind::Passing
    }
}

fn transport(call: Call, error: reqwest::Error) -> Error {
    let (kind, what) = match () {
        () if error.is_connect() => (Kind::Passing, "no connection"),
        () if error.is_builder() => (Kind::BadRequest, "LIVEKIT_URL is no address"),
        () if error.is_timeout() => (lost(call), "timed out"),
        () => (lost(call), "the connection was lost"),
    };
    Error::Transport {
        kind,
        what,
        source: error.without_url(),
    }
}

fn refused(call: Call, status: u16, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Body {
        code: String,
        #[serde(default)]
        msg: String,
    }
    let body = serde_json::from_slice::<Body>(body).ok();
    let code = body.as_ref().map(|b| b.code.as_str());
    let kind = match (status, code) {
        (401 | 403, _) => return Error::Unauthorized { status },
        (_, Some("not_found")) => Kind::NotFound,
        // A gateway that waited in vain, or LiveKit that did: what they waited for may have been done. Twirp's 409
        // says that it exists.
        (408 | 409 | 502 | 504, _) => lost(call),
        // Not LiveKit's word: a proxy may say 404 or redirect while what is behind it restarts.
        (429 | 500.., _) | (_, None) => Kind::Passing,
        _ => Kind::BadRequest,
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

/// A text from outside, short and on one line, without what LiveKit puts before every message.
fn shown(text: &str) -> String {
    let text = text.strip_prefix("twirp error unknown: ").unwrap_or(text);
    // A token begins so: `{"` in base64.
    if text.contains("eyJ") {
        return "(its text holds a token)".into();
    }
    text.chars()
        .take(300)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
