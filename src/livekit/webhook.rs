//! Who signed this? LiveKit's webhooks and access tokens are JSON Web Tokens, HS256 with the project's API secret.
//!
//! Verified here and not with `livekit_api::access_token::TokenVerifier`, which reads its own clock, knows one key, and
//! refuses a whole token for a grant of a type it does not expect.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How far LiveKit's clock and ours may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// The API keys whose signature counts, LIVEKIT_API_KEY first. A key may be there twice, with its old and its new secret.
#[derive(Clone)]
pub struct Keys(Vec<(String, SecretString)>);

/// Why a signature does not count. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("no token")]
    Missing,
    #[error("not a JSON Web Token")]
    Malformed,
    #[error("the token is not signed with HS256")]
    Algorithm,
    #[error("the token is of an API key that is not configured")]
    UnknownKey,
    #[error("the token is not signed with its key's secret")]
    Signature,
    #[error("the token has no time of expiry")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet: are the clocks right?")]
    NotYet,
    #[error("the token has no hash of the body")]
    NoBodyHash,
    #[error("the body is not the one that was signed")]
    Body,
}

impl Refused {
    /// What whoever runs the service can do about a webhook that was refused so.
    pub fn advice(self) -> &'static str {
        match self {
            Refused::UnknownKey => {
                "the signing key of the webhook in LiveKit's settings must be LIVEKIT_API_KEY, or be added to LIVEKIT_WEBHOOK_KEYS"
            }
            Refused::Signature => {
                "the secret in LIVEKIT_API_SECRET or LIVEKIT_WEBHOOK_KEYS is not that of the webhook's signing key"
            }
            Refused::Expired | Refused::NotYet => {
                "is this machine's clock right, and does a proxy hold requests up?"
            }
            Refused::Body => "a proxy must pass the body on byte for byte",
            _ => "LiveKit does not send that: somebody else calls this address",
        }
    }
}

/// Who signed a webhook, and the SHA-256 of the body that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    key: String,
    hash: Vec<u8>,
}

/// What a LiveKit access token lets its holder do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    pub identity: String,
    /// The room's name that the grants are for, if they name one.
    pub room: Option<String>,
    pub room_admin: bool,
    pub room_record: bool,
}

impl Keys {
    pub fn new(keys: Vec<(String, SecretString)>) -> Self {
        Self(keys)
    }

    /// LIVEKIT_API_KEY; no secret.
    pub fn ours(&self) -> &str {
        self.0.first().map_or("", |(key, _)| key)
    }

    /// Is this webhook's sender LiveKit? `authorization` is the header's value; the body is looked at afterwards, so
    /// that nobody else can make us read one.
    pub fn verify_webhook(
        &self,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<Signed, Refused> {
        let header = authorization.ok_or(Refused::Missing)?.trim();
        let token = match header.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim(),
            _ => header,
        };
        let claims = self.verify(token, now)?;
        let hash = claims
            .sha256
            .filter(|hash| !hash.is_empty())
            .ok_or(Refused::NoBodyHash)?;
        Ok(Signed {
            key: claims.iss.unwrap_or_default(),
            hash: BASE64_STANDARD.decode(hash).map_err(|_| Refused::Body)?,
        })
    }

    /// What may the holder of this access token do? `token` without `Bearer `.
    pub fn verify_token(&self, token: &str, now: Timestamp) -> Result<Grants, Refused> {
        let claims = self.verify(token, now)?;
        let video = claims.video.unwrap_or_default();
        Ok(Grants {
            identity: claims.sub.unwrap_or_default(),
            room: video.room.filter(|room| !room.is_empty()),
            room_admin: video.room_admin.unwrap_or(false),
            room_record: video.room_record.unwrap_or(false),
        })
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, Refused> {
        if token.is_empty() {
            return Err(Refused::Missing);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(Refused::Algorithm);
        }
        let claims: Claims = decode(claims)?;
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Refused::Malformed)?;
        self.check_signature(
            claims.iss.as_deref().unwrap_or_default(),
            signed,
            &signature,
        )?;
        claims.check_times(now)?;
        Ok(claims)
    }

    fn check_signature(&self, key: &str, signed: &str, signature: &[u8]) -> Result<(), Refused> {
        let mut refused = Refused::UnknownKey;
        for (_, secret) in self.0.iter().filter(|(known, _)| known == key) {
            refused = Refused::Signature;
            // HMAC takes keys of any length, so this does not fail.
            let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
            let mac = mac.map_err(|_| Refused::Signature)?.chain_update(signed);
            if mac.verify_slice(signature).is_ok() {
                return Ok(());
            }
        }
        Err(refused)
    }
}

impl Signed {
    /// Is this the body that was signed? Then the API key that signed it. `body` is the bytes as they came: JSON that was
    /// read and written again has another hash.
    pub fn verify(&self, body: &[u8]) -> Result<String, Refused> {
        match bool::from(Sha256::digest(body).as_slice().ct_eq(&self.hash)) {
            true => Ok(self.key.clone()),
            false => Err(Refused::Body),
        }
    }

    /// What makes two webhooks one: LiveKit repeats an event byte for byte, and so with the same hash. It begins with the
    /// time of `body` (seconds since the epoch), so that what comes together lies together in the database's index; a
    /// hash alone would scatter it.
    pub fn event_key(&self, body: &[u8]) -> String {
        let event: Dated = serde_json::from_slice(body).unwrap_or_default();
        let seconds = match &event.created_at {
            Value::String(text) => text.parse().unwrap_or_default(),
            other => other.as_u64().unwrap_or_default(),
        };
        let hash = BASE64_URL_SAFE_NO_PAD.encode(&self.hash);
        format!("{seconds:010}-{hash}")
    }
}

/// `createdAt` as LiveKit sends it: a text, for it is protobuf's int64 in JSON.
#[derive(Deserialize, Default)]
struct Dated {
    #[serde(rename = "createdAt", default)]
    created_at: Value,
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, Refused> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refused::Malformed)
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that must be understood, and we understand none.
    crit: Option<serde::de::IgnoredAny>,
}

/// Only what is asked for; times are seconds since 1970, which RFC 7519 lets have a fraction.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    sha256: Option<String>,
    video: Option<Video>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Video {
    room: Option<String>,
    room_admin: Option<bool>,
    room_record: Option<bool>,
}

impl Claims {
    fn check_times(&self, now: Timestamp) -> Result<(), Refused> {
        let now = now.as_duration().as_secs_f64();
        let expiry = self.exp.ok_or(Refused::NoExpiry)?;
        if now > expiry + LEEWAY {
            return Err(Refused::Expired);
        }
        match self.nbf {
            Some(begin) if begin > now + LEEWAY => Err(Refused::NotYet),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
