//! What an error of LiveKit's API means.

use std::time::Duration;

use crate::domain::KeyUnreadable;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try again later.
    Transient,
    /// LIVEKIT_API_KEY or LIVEKIT_API_SECRET is wrong: manual action needed.
    Unauthorized,
    /// The same request would be rejected again: it is wrong, or the account may not do this.
    BadRequest,
    /// No such room or egress.
    NotFound,
    /// The start was sent and its outcome is unknown.
    UnknownOutcome,
}

/// What LiveKit says is wrong with a request's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongPart {
    /// It does not know LIVEKIT_API_KEY.
    Key,
    /// LIVEKIT_API_SECRET is not that key's.
    Secret,
    /// The token has expired, or is not valid yet: the clocks differ.
    Clock,
    /// It does not say.
    Unknown,
}

/// Why LiveKit did not do what it was asked for. Nothing that was sent is in it: LiveKit repeats the whole token in its
/// plain-text 401.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("LiveKit does not respond: {what}")]
    Transport {
        kind: ErrorKind,
        what: &'static str,
        source: reqwest::Error,
    },
    /// To a question that has no effect, from somebody who waits no longer.
    #[error("LiveKit does not respond: no answer within {} s", .within.as_secs())]
    Silent { within: Duration },
    #[error("LIVEKIT_URL is not a valid URL")]
    InvalidUrl { source: reqwest::Error },
    #[error(
        "LiveKit rejected the API key ({status}): {words}check LIVEKIT_API_KEY, LIVEKIT_API_SECRET and this machine's clock"
    )]
    Unauthorized {
        status: u16,
        /// Empty, or followed by `; `.
        words: String,
        /// What of the key is wrong, as far as LiveKit says so.
        wrong: WrongPart,
    },
    #[error("LiveKit answered {code} ({status}): {message}")]
    Twirp {
        kind: ErrorKind,
        status: u16,
        code: String,
        message: String,
    },
    #[error(
        "LIVEKIT_URL answered {status} without a LiveKit API error{words}: check that it points to LiveKit, and whether a proxy answers in its place"
    )]
    NotTwirp {
        kind: ErrorKind,
        status: u16,
        /// Empty, or in parentheses after a space.
        words: String,
    },
    #[error(
        "LIVEKIT_URL answered 200, but not as LiveKit's API does: check that it points to LiveKit, and whether a proxy answers in its place"
    )]
    Answer {
        kind: ErrorKind,
        /// `None`: the answer can be read, and names no egress.
        source: Option<prost::DecodeError>,
    },
    /// More is not read.
    #[error(
        "LIVEKIT_URL answered with more than 16 MiB, which is not read: check that it points to LiveKit, and whether a room has unusually many or large participants"
    )]
    TooLong { kind: ErrorKind },
    #[error("no token can be created with LIVEKIT_API_KEY and LIVEKIT_API_SECRET")]
    Token,
    /// Nothing was sent.
    #[error(transparent)]
    StorageKey(#[from] KeyUnreadable),
}

impl Error {
    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthorized { .. } | Self::Token => ErrorKind::Unauthorized,
            Self::InvalidUrl { .. } => ErrorKind::BadRequest,
            Self::StorageKey(_) | Self::Silent { .. } => ErrorKind::Transient,
            Self::Transport { kind, .. }
            | Self::Twirp { kind, .. }
            | Self::NotTwirp { kind, .. }
            | Self::Answer { kind, .. }
            | Self::TooLong { kind } => *kind,
        }
    }

    /// What LiveKit says is wrong with the key; `None`: the error is not about the key.
    pub fn wrong_part(&self) -> Option<WrongPart> {
        match self {
            Self::Unauthorized { wrong, .. } => Some(*wrong),
            Self::Token => Some(WrongPart::Secret),
            _ => None,
        }
    }

    /// The status of Twirp's answer, or another's; `None`: there was none.
    pub fn answered(&self) -> Option<u16> {
        self.status()
    }

    /// Whether LiveKit says that our key, account or project may not do this. A proxy's page does not count.
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Twirp { status, .. } => matches!(status, 401 | 403),
            _ => self.kind() == ErrorKind::Unauthorized,
        }
    }

    /// Whether there was no answer at all: another process may reach LiveKit.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Transport { .. } | Self::Silent { .. })
    }

    /// The same error as a transient one, because other answers of LiveKit contradict it.
    pub fn into_transient(mut self) -> Error {
        if let Self::Transport { kind, .. }
        | Self::Twirp { kind, .. }
        | Self::NotTwirp { kind, .. }
        | Self::Answer { kind, .. }
        | Self::TooLong { kind } = &mut self
        {
            *kind = ErrorKind::Transient;
        }
        self
    }

    /// The HTTP status of LiveKit's answer; `None` without one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Twirp { status, .. }
            | Self::NotTwirp { status, .. }
            | Self::Unauthorized { status, .. } => Some(*status),
            _ => None,
        }
    }
}
