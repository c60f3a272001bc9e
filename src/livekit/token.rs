//! Verification of signatures: LiveKit's webhooks and access tokens are JSON Web Tokens, HS256 with the project's API
//! secret.
//!
//! Verified here and not with `livekit_api::access_token::TokenVerifier`, which reads its own clock, supports one key
//! only, and rejects an entire token because of a grant with an unexpected type.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::Sha256;

pub use super::token_error::TokenError;
use crate::domain::{KeyEntry, Signer, SigningKey, Standing, hex};

/// Allowed difference between LiveKit's clock and ours, in seconds.
const LEEWAY: f64 = 60.0;

/// How many characters of an unknown key are shown.
const LONGEST_KEY: usize = 60;

/// The accepted API keys, LIVEKIT_API_KEY first. A key may be listed twice, with its old and its new secret. Clones share
/// what is found out of them.
#[derive(Clone)]
pub struct Keys(Arc<Vec<Key>>);

/// One key with its secret.
struct Key {
    signing: SigningKey,
    standing: RwLock<Standing>,
}

impl Key {
    fn standing(&self) -> Standing {
        let standing = self.standing.read();
        standing.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a LiveKit access token permits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    pub identity: String,
    /// The room that the grants are for, if any.
    pub room: Option<String>,
    pub room_admin: bool,
    pub room_record: bool,
    /// `observability.write`: the agent may upload sessions.
    pub observability_write: bool,
}

impl Keys {
    /// In the order in which they are tried, LIVEKIT_API_KEY first.
    pub fn new(keys: Vec<SigningKey>) -> Self {
        let keys = keys.into_iter().map(|signing| Key {
            standing: RwLock::new(match signing.entry {
                KeyEntry::Main => Standing::Ours,
                KeyEntry::Webhooks => Standing::Earlier,
                KeyEntry::Listed => Standing::Undecided(fingerprint(&signing)),
            }),
            signing,
        });
        Self(Arc::new(keys.collect()))
    }

    /// LIVEKIT_API_KEY, which is no secret.
    pub fn ours(&self) -> &str {
        self.0.first().map_or("", |key| &key.signing.name)
    }

    /// What is known of the listed key with this fingerprint; `None`: no such key is listed.
    pub fn standing(&self, key: &str) -> Option<Standing> {
        let listed = |it: &&Key| it.signing.entry == KeyEntry::Listed;
        let mut listed = self.0.iter().filter(listed);
        let known = listed.find(|it| fingerprint(&it.signing) == key)?;
        Some(known.standing())
    }

    /// Sets what is known of the key with this fingerprint, for every clone.
    pub fn decide(&self, key: &str, standing: &Standing) {
        let listed = |it: &&Key| it.signing.entry == KeyEntry::Listed;
        let same = |it: &&Key| fingerprint(&it.signing) == key;
        for known in self.0.iter().filter(listed).filter(same) {
            let known = known.standing.write();
            let mut known = known.unwrap_or_else(PoisonError::into_inner);
            known.clone_from(standing);
        }
    }

    /// The configured key that a token names in `iss`, whether or not that key has signed it. `token` is without `Bearer `.
    pub fn named(&self, token: &str) -> Option<&str> {
        let claims: Claims = decode(token.split('.').nth(1)?).ok()?;
        let named = claims.iss?;
        let mut names = self.0.iter().map(|key| key.signing.name.as_str());
        names.find(|name| *name == named)
    }

    /// Verifies an access token and returns its grants. `token` is without `Bearer `.
    pub fn verify_token(&self, token: &str, now: Timestamp) -> Result<Grants, TokenError> {
        Ok(self.verify_sender(token, now)?.0)
    }

    /// The same with whoever signed the token. Keys for webhooks alone sign none.
    pub fn verify_sender(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Grants, Signer), TokenError> {
        let (claims, signer) = self.verify(token, TokenUse::Access, now)?;
        let video = claims.video.unwrap_or_default();
        let grants = Grants {
            identity: claims.sub.unwrap_or_default(),
            room: video.room.filter(|room| !room.is_empty()),
            room_admin: video.room_admin.unwrap_or(false),
            room_record: video.room_record.unwrap_or(false),
            observability_write: claims.observability.and_then(|it| it.write) == Some(true),
        };
        Ok((grants, signer))
    }

    /// The claims of a token that one of these keys signed and that is valid now.
    pub(super) fn verify(
        &self,
        token: &str,
        used: TokenUse,
        now: Timestamp,
    ) -> Result<(Claims, Signer), TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(TokenError::Algorithm);
        }
        let claims: Claims = decode(claims)?;
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Malformed)?;
        let key = claims.iss.as_deref().unwrap_or_default();
        let keys = self.0.iter().filter(|it| used.permits(it.signing.entry));
        let keys = keys.filter(|it| it.signing.name == key);
        let signer = signer(keys, signed, &signature)?;
        claims.check_times(now)?;
        Ok((claims, signer))
    }
}

/// The one of these keys that has signed this.
fn signer<'a>(
    keys: impl Iterator<Item = &'a Key>,
    signed: &str,
    signature: &[u8],
) -> Result<Signer, TokenError> {
    let mut refused = TokenError::UnknownKey;
    for key in keys {
        refused = TokenError::Signature;
        // HMAC accepts keys of any length, so this cannot fail.
        let mac = Hmac::<Sha256>::new_from_slice(key.signing.secret.expose_secret().as_bytes());
        let mac = mac.map_err(|_| TokenError::Signature)?.chain_update(signed);
        if mac.verify_slice(signature).is_ok() {
            return Ok(Signer {
                key: key.signing.name.clone(),
                standing: key.standing(),
            });
        }
    }
    Err(refused)
}

/// What a token is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// It comes with a webhook.
    Webhook,
    /// It is to open something.
    Access,
}

impl TokenUse {
    fn permits(self, entry: KeyEntry) -> bool {
        self == TokenUse::Webhook || entry != KeyEntry::Webhooks
    }
}

/// Names a key with its secret. It is stored: the secret cannot be found from it.
pub fn fingerprint(key: &SigningKey) -> String {
    // HMAC accepts keys of any length, so this cannot fail.
    let mac = Hmac::<Sha256>::new_from_slice(key.secret.expose_secret().as_bytes());
    let named = format!("livekit-airtable: the secret of {}", key.name);
    let digest = mac.map(|mac| mac.chain_update(named).finalize().into_bytes());
    hex(&digest.unwrap_or_default()[..16])
}

/// The API key in a token's `iss`, known or not, at most its beginning; `none` without one. `token` is without `Bearer `.
/// It comes from anybody: quote it.
pub fn named_key(token: &str) -> String {
    let claims = token.split('.').nth(1).and_then(|part| decode(part).ok());
    let key = claims.and_then(|claims: Claims| claims.iss);
    let key = key.filter(|key| !key.is_empty());
    key.map_or_else(
        || "none".to_owned(),
        |key| key.chars().take(LONGEST_KEY).collect(),
    )
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Critical extensions; none is supported.
    crit: Option<serde::de::IgnoredAny>,
}

/// Only the claims that are used; times are seconds since 1970, possibly with a fraction (RFC 7519).
#[derive(Deserialize)]
pub(super) struct Claims {
    pub iss: Option<String>,
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    pub sha256: Option<String>,
    video: Option<Video>,
    observability: Option<Observability>,
}

#[derive(Deserialize)]
struct Observability {
    write: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Video {
    room: Option<String>,
    room_admin: Option<bool>,
    room_record: Option<bool>,
}

impl Claims {
    fn check_times(&self, now: Timestamp) -> Result<(), TokenError> {
        let now = now.as_duration().as_secs_f64();
        let expiry = self.exp.ok_or(TokenError::NoExpiry)?;
        if now > expiry + LEEWAY {
            return Err(TokenError::Expired);
        }
        match self.nbf {
            Some(begin) if begin > now + LEEWAY => Err(TokenError::NotYet),
            _ => Ok(()),
        }
    }
}
