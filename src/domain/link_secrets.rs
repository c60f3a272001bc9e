//! The secrets of permanent links: one signs, and earlier ones are still accepted.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::hex::hex;

/// Bytes of a signature, which has two hex digits for each.
const SIGNATURE: usize = 16;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 8;

/// LINK_SECRET and LINK_SECRETS_BEFORE.
#[derive(Clone)]
pub struct LinkSecrets {
    current: SecretString,
    before: Vec<SecretString>,
}

impl LinkSecrets {
    /// `current` signs; links that one of `before` has signed are valid, too.
    pub fn new(current: SecretString, before: Vec<SecretString>) -> LinkSecrets {
        LinkSecrets { current, before }
    }

    /// HMAC-SHA256 with the current secret, 32 hex digits.
    pub(super) fn sign(&self, message: &str) -> String {
        hex(&tag(&self.current, message)[..SIGNATURE])
    }

    /// Whether any of the secrets has signed the message; takes the same time for each answer.
    pub(super) fn verify(&self, message: &str, signature: &str) -> bool {
        let all = [&self.current].into_iter().chain(&self.before);
        let valid = all.fold(Choice::from(0), |valid, secret| {
            let expected = hex(&tag(secret, message)[..SIGNATURE]);
            valid | expected.as_bytes().ct_eq(signature.as_bytes())
        });
        valid.into()
    }

    /// Tells the current secret from others, and discloses no more of it than a link does.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.current)
    }

    /// Whether links of the secret with this fingerprint are valid.
    pub fn accepts(&self, known: &str) -> bool {
        let all = [&self.current].into_iter().chain(&self.before);
        all.into_iter().any(|secret| fingerprint(secret) == known)
    }

    /// Tells links of the current secret with these properties from all others.
    pub(super) fn mark(&self, properties: &str) -> String {
        let tag = tag(&self.current, &format!("links {properties}"));
        hex(&tag[..FINGERPRINT])
    }
}

fn fingerprint(secret: &SecretString) -> String {
    hex(&tag(secret, "fingerprint")[..FINGERPRINT])
}

fn tag(secret: &SecretString, message: &str) -> [u8; 32] {
    // HMAC accepts keys of any length.
    let secret = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}
