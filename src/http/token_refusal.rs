//! What is said of a token that opens nothing, to its sender and in the log.

use super::{App, error::Problem, refused_tokens::Entrance};
use crate::livekit::token::{TokenError, named_key};

/// What to do about a token of an unknown key.
const UNKNOWN_KEY: &str = "An agent on LiveKit Cloud gets a key of its own: give it API_TOKEN as a secret, or add that key to LIVEKIT_WEBHOOK_KEYS";

/// What to do about an upload with a token of an unknown key.
const UNKNOWN_UPLOAD_KEY: &str =
    "An agent on LiveKit Cloud gets a key of its own: add that key to LIVEKIT_WEBHOOK_KEYS";

/// The routes that a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routes {
    /// `/v1`
    V1,
    /// `/observability`, where the agents SDK uploads to.
    Observability,
}

impl Routes {
    fn path(self) -> &'static str {
        self.entrance().path()
    }

    fn entrance(self) -> Entrance {
        match self {
            Routes::V1 => Entrance::V1,
            Routes::Observability => Entrance::Observability,
        }
    }

    /// What a refused token is, for the log.
    fn wanted(self) -> &'static str {
        match self {
            Routes::V1 => "neither API_TOKEN nor a valid LiveKit token",
            Routes::Observability => "no valid LiveKit token",
        }
    }

    /// What to do about a token of an unknown key.
    fn for_unknown_key(self) -> &'static str {
        match self {
            Routes::V1 => UNKNOWN_KEY,
            Routes::Observability => UNKNOWN_UPLOAD_KEY,
        }
    }
}

/// Logs a token that is refused; why, for its sender.
pub(super) fn bad_token(app: &App, token: &str, refused: TokenError, routes: Routes) -> String {
    let key = refused.is_foreign().then(|| named_key(token));
    let (ours, now) = (app.keys.named(token), (app.clock)());
    app.refused.note(routes.entrance(), refused, ours, now);
    log_refusal(app, refused, key.as_deref(), routes);
    refusal(refused, key.as_deref(), routes)
}

/// Why a token is refused; `key`: the one that it names, if no configured key has signed it.
fn refusal(refused: TokenError, key: Option<&str>, routes: Routes) -> String {
    let reason = refused.for_sender(key);
    match key {
        Some(_) => format!("{reason}. {}", routes.for_unknown_key()),
        None => reason,
    }
}

/// Logs each reason now and then: the agent's log may be read by somebody else, or by nobody.
fn log_refusal(app: &App, refused: TokenError, key: Option<&str>, routes: Routes) {
    let path = routes.path();
    let reason = format!("{path}: {refused}");
    if let Some(suppressed) = app.refusals.should_log(&reason) {
        let advice = match refused {
            TokenError::UnknownKey => format!(". {}", routes.for_unknown_key()),
            _ => String::new(),
        };
        let wanted = routes.wanted();
        tracing::warn!(
            reason,
            iss = key,
            suppressed,
            "request to {path} rejected: its token is {wanted}{advice}"
        );
    }
}

/// 401. Logged, because the sender cannot see that a proxy has removed the header.
pub(super) fn without_token(app: &App, routes: Routes) -> Problem {
    let (entrance, now) = (routes.entrance(), (app.clock)());
    app.refused.note(entrance, TokenError::Missing, None, now);
    let reason = format!("no token in a request to {}", routes.path());
    if let Some(suppressed) = app.refusals.should_log(&reason) {
        tracing::warn!(
            reason,
            suppressed,
            "request rejected: the sender has no token, or a proxy in front of this service removes the Authorization header"
        );
    }
    Problem::unauthorized(
        "send `Authorization: Bearer TOKEN`; if you did, a proxy in front of the service has removed it",
    )
}
