//! What is said of a token that opens nothing, to its sender and in the log.

use super::{
    App,
    error::{Problem, capitalized},
    refused_tokens::Entrance,
};
use crate::livekit::token::{TokenError, named_key};

/// What a refused token is, for the log.
fn wanted(entrance: Entrance) -> &'static str {
    match entrance {
        Entrance::V1 => "neither API_TOKEN nor a valid LiveKit token",
        Entrance::Webhooks | Entrance::Observability => "no valid LiveKit token",
    }
}

/// What to do about a token of an unknown key.
fn for_unknown_key(entrance: Entrance) -> String {
    capitalized(entrance.advice(TokenError::UnknownKey))
}

/// Logs a token that is refused; why, for its sender.
pub(super) fn bad_token(app: &App, token: &str, refused: TokenError, entrance: Entrance) -> String {
    let key = refused.is_foreign().then(|| named_key(token));
    let (ours, now) = (app.keys.named(token), (app.clock)());
    app.refused_tokens.note(entrance, refused, ours, now);
    log_refusal(app, refused, key.as_deref(), entrance);
    refusal(refused, key.as_deref(), entrance)
}

/// Why a token is refused; `key`: the one that it names, if no configured key has signed it.
fn refusal(refused: TokenError, key: Option<&str>, entrance: Entrance) -> String {
    let reason = refused.for_sender(key);
    match key {
        Some(_) => format!("{reason}. {}", for_unknown_key(entrance)),
        None => reason,
    }
}

/// Logs each reason now and then: the agent's log may be read by somebody else, or by nobody.
fn log_refusal(app: &App, refused: TokenError, key: Option<&str>, entrance: Entrance) {
    let path = entrance.path();
    let reason = format!("{path}: {refused}");
    if let Some(suppressed) = app.refusal_log.should_log(&reason) {
        let advice = match refused {
            TokenError::UnknownKey => format!(". {}", for_unknown_key(entrance)),
            _ => String::new(),
        };
        let wanted = wanted(entrance);
        tracing::warn!(
            reason,
            iss = key,
            suppressed,
            "request to {path} rejected: its token is {wanted}{advice}"
        );
    }
}

/// 401. Logged, because the sender cannot see that a proxy has removed the header.
pub(super) fn without_token(app: &App, entrance: Entrance) -> Problem {
    let now = (app.clock)();
    app.refused_tokens
        .note(entrance, TokenError::Missing, None, now);
    let reason = format!("no token in a request to {}", entrance.path());
    if let Some(suppressed) = app.refusal_log.should_log(&reason) {
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
