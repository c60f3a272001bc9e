//! LiveKit's tokens: who may ask what, and how a refusal looks on the wire.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use livekit_api::access_token::{AccessToken, Claims, TokenVerifier, VideoGrants};
use sha2::{Digest, Sha256};

use super::twirp;

/// A project's key: API requests carry tokens signed with it, and webhooks are signed with it.
#[derive(Debug, Clone)]
pub struct Key {
    pub name: String,
    pub secret: String,
}

impl Key {
    /// Passes a request whose token is ours, in time, and grants what is `needed`.
    pub fn check(
        &self,
        headers: &HeaderMap,
        needed: impl FnOnce(&VideoGrants) -> bool,
    ) -> Result<(), Refusal> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(denied());
        };
        let Some(token) = value
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
        else {
            return Err(Refusal::Plain(
                "invalid authorization header. Must start with Bearer ".to_owned(),
            ));
        };
        let claimed = Claims::from_unverified(token).map_err(|_| wrong_secret(token))?;
        if claimed.iss != self.name {
            return Err(Refusal::Plain(format!("invalid API key: {}", claimed.iss)));
        }
        let claims = TokenVerifier::with_api_key(&self.name, &self.secret)
            .verify(token)
            .map_err(|_| wrong_secret(token))?;
        if needed(&claims.video) {
            Ok(())
        } else {
            Err(denied())
        }
    }

    /// The `Authorization` of a webhook: a raw token of 5 minutes over the body's hash.
    pub fn sign(&self, body: &str) -> String {
        let hash = STANDARD.encode(Sha256::digest(body));
        AccessToken::with_api_key(&self.name, &self.secret)
            .with_ttl(Duration::from_mins(5))
            .with_sha256(&hash)
            .to_jwt()
            .unwrap_or_default()
    }
}

/// A request turned away.
#[derive(Debug)]
pub enum Refusal {
    /// 401 with a plain body.
    Plain(String),
    Twirp(twirp::Error),
}

impl From<twirp::Error> for Refusal {
    fn from(error: twirp::Error) -> Self {
        Refusal::Twirp(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Plain(body) => (StatusCode::UNAUTHORIZED, body).into_response(),
            Refusal::Twirp(error) => error.into_response(),
        }
    }
}

/// What a wrong secret gets. The body repeats the whole token, as LiveKit's does: what logs it must be caught by a test.
fn wrong_secret(token: &str) -> Refusal {
    Refusal::Plain(format!(
        "invalid token: {token}, error: go-jose/go-jose: error in cryptographic primitive"
    ))
}

/// A good token without the grant, and no token at all.
fn denied() -> Refusal {
    twirp::Error::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "permissions denied",
    )
    .into()
}

/// A good request treated as if its secret were wrong.
pub fn refused_by_fault(headers: &HeaderMap) -> Refusal {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    wrong_secret(value.unwrap_or_default().trim_start_matches("Bearer "))
}
