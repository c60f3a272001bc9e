//! Who sent this webhook, and is its body the one that was signed?

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::token::{Keys, TokenError};

/// Who signed a webhook, and the SHA-256 of the body that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    key: String,
    hash: Vec<u8>,
}

impl Keys {
    /// Is this webhook's sender LiveKit? `authorization` is the header's value; the body is looked at afterwards, so
    /// that nobody else can make us read one.
    pub fn verify_webhook(
        &self,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<Signed, TokenError> {
        let header = authorization.ok_or(TokenError::Missing)?.trim();
        let token = match header.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim(),
            _ => header,
        };
        let claims = self.verify(token, now)?;
        let hash = claims
            .sha256
            .filter(|hash| !hash.is_empty())
            .ok_or(TokenError::NoBodyHash)?;
        Ok(Signed {
            key: claims.iss.unwrap_or_default(),
            hash: BASE64_STANDARD.decode(hash).map_err(|_| TokenError::Body)?,
        })
    }
}

impl Signed {
    /// Is this the body that was signed? Then the API key that signed it. `body` is the bytes as they came: JSON that was
    /// read and written again has another hash.
    pub fn verify(&self, body: &[u8]) -> Result<String, TokenError> {
        match bool::from(Sha256::digest(body).as_slice().ct_eq(&self.hash)) {
            true => Ok(self.key.clone()),
            false => Err(TokenError::Body),
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

#[cfg(test)]
mod tests;
