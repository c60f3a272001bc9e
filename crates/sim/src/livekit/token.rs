//! LiveKit's tokens: what they permit, and how LiveKit refuses a request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use livekit_api::access_token::{AccessToken, Claims, TokenVerifier, VideoGrants};
use sha2::{Digest, Sha256};

use super::twirp;

/// A key of the project: it signs the tokens of API requests and the webhooks.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The API key itself; `secret` belongs to it.
    pub name: String,
    pub secret: String,
}

/// The keys of the project, each with the same power.
#[derive(Debug)]
pub(super) struct Keys(Mutex<Vec<Key>>);

impl Keys {
    /// A project with one key.
    pub(super) fn new(key: Key) -> Self {
        Self(Mutex::new(vec![key]))
    }

    /// Adds another key.
    pub(super) fn add(&self, key: Key) {
        self.lock().push(key);
    }

    /// Deletes a key.
    pub(super) fn delete(&self, name: &str) {
        self.lock().retain(|key| key.name != name);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a request whose token one of the keys has signed, has not expired and grants what is `needed`.
    pub(super) fn check(
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
        let keys = self.lock();
        let Some(key) = keys.iter().find(|key| key.name == claimed.iss) else {
            return Err(Refusal::Plain(format!("invalid API key: {}", claimed.iss)));
        };
        let claims = TokenVerifier::with_api_key(&key.name, &key.secret)
            .verify(token)
            .map_err(|_| wrong_secret(token))?;
        if needed(&claims.video) {
            Ok(())
        } else {
            Err(denied())
        }
    }
}

impl Key {
    /// A token with which the rooms of a server are listed.
    pub(super) fn lists_rooms(&self) -> String {
        self.grants(VideoGrants {
            room_list: true,
            ..VideoGrants::default()
        })
    }

    /// A token with which the people of a room are listed.
    pub(super) fn administers(&self, room: &str) -> String {
        self.grants(VideoGrants {
            room_admin: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        })
    }

    fn grants(&self, grants: VideoGrants) -> String {
        AccessToken::with_api_key(&self.name, &self.secret)
            .with_grants(grants)
            .to_jwt()
            .unwrap_or_default()
    }

    /// The `Authorization` of a webhook: a raw token with the body's hash, valid for 5 minutes.
    pub(super) fn sign(&self, body: &str) -> String {
        let hash = STANDARD.encode(Sha256::digest(body));
        AccessToken::with_api_key(&self.name, &self.secret)
            .with_ttl(Duration::from_mins(5))
            .with_sha256(&hash)
            .to_jwt()
            .unwrap_or_default()
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
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

/// The answer to a wrong secret. It repeats the token, as LiveKit's does, so that tests notice a client that logs it.
fn wrong_secret(token: &str) -> Refusal {
    Refusal::Plain(format!(
        "invalid token: {token}, error: go-jose/go-jose: error in cryptographic primitive"
    ))
}

/// The answer to a valid token without the grant, and to a missing token.
fn denied() -> Refusal {
    twirp::Error::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "permissions denied",
    )
    .into()
}

/// Refuses a valid request as if its secret were wrong.
pub(super) fn refused_by_fault(headers: &HeaderMap) -> Refusal {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    wrong_secret(value.unwrap_or_default().trim_start_matches("Bearer "))
}
