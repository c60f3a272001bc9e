//! Verification of webhooks: the header and the hash of the body; `token` checks signature, key and expiry.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::token::{Keys, TokenError, TokenUse};
use crate::domain::{Claim, Signer};

/// Who signed a webhook, and the SHA-256 of the signed body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    signer: Signer,
    hash: Vec<u8>,
}

impl Keys {
    /// Verifies that LiveKit sent this webhook. `authorization` is the header's value; the body is checked afterwards,
    /// so that no other sender can make us read one.
    pub fn verify_webhook(
        &self,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<Signed, TokenError> {
        let header = authorization.ok_or(TokenError::Missing)?;
        let (claims, signer) = self.verify(token(header), TokenUse::Webhook, now)?;
        let hash = claims
            .sha256
            .filter(|hash| !hash.is_empty())
            .ok_or(TokenError::NoBodyHash)?;
        Ok(Signed {
            signer,
            hash: BASE64_STANDARD.decode(hash).map_err(|_| TokenError::Body)?,
        })
    }
}

/// The token in a webhook's `Authorization`: LiveKit sends it bare.
pub fn token(authorization: &str) -> &str {
    let header = authorization.trim();
    match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim(),
        _ => header,
    }
}

impl Signed {
    /// The key that has signed the token.
    pub fn key(&self) -> &str {
        &self.signer.key
    }

    /// Verifies the signed body and returns who signed it. `body` must be the original bytes: JSON that
    /// was parsed and serialized again has another hash.
    pub fn verify(&self, body: &[u8]) -> Result<Signer, TokenError> {
        match bool::from(Sha256::digest(body).as_slice().ct_eq(&self.hash)) {
            true => Ok(self.signer.clone()),
            false => Err(TokenError::Body),
        }
    }

    /// The deduplication key of a webhook: LiveKit repeats an event byte for byte, so its hash is the same. The key
    /// starts with the time of the event, so that webhooks received together are adjacent in the
    /// database's index; a hash alone would scatter them. Half of the hash is enough: who could make two bodies with the same
    /// half can sign whatever they like.
    pub fn dedupe_key(&self, event: &EventHead) -> String {
        let seconds = event.created_at;
        let hash = BASE64_URL_SAFE_NO_PAD.encode(&self.hash[..self.hash.len() / 2]);
        // What another project sends first must not keep the same event of ours out.
        match self.signer.claim() {
            Some(Claim::Any | Claim::Ours) => format!("{seconds:010}-{hash}"),
            Some(Claim::Other(_)) | None => format!("{seconds:010}-{hash}-{}", self.signer.key),
        }
    }
}

mod head;

pub use head::EventHead;

#[cfg(test)]
mod tests;
