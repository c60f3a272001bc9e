//! The least length of secrets that people choose. A short one can be guessed.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};

use super::Reader;

/// The least length of API_TOKEN, of a token of API_TOKENS, and of LINK_SECRET, in characters.
pub(super) const CHARACTERS: usize = 32;
/// The least length of EGRESS_WEBHOOK_SECRET, in bytes, as Standard Webhooks requires.
const BYTES: usize = 24;

const NEW: &str = "`openssl rand -hex 32` makes a new one";
const NEW_SIGNING: &str = "`echo \"whsec_$(openssl rand -base64 32)\"` makes a new one";

/// Refuses a text under 32 characters.
pub(super) fn check_text(r: &mut Reader<'_>, name: &str, secret: Option<&SecretString>) {
    check_length(r, name, secret, NEW);
}

/// The same for the secret of permanent links; the error says how links that are in use stay valid.
pub(super) fn check_link_secret(r: &mut Reader<'_>, name: &str, secret: Option<&SecretString>) {
    let advice = format!(
        "{NEW}; move the old one to LINK_SECRETS_BEFORE, and links that it has signed stay valid"
    );
    check_length(r, name, secret, &advice);
}

fn check_length(r: &mut Reader<'_>, name: &str, secret: Option<&SecretString>, advice: &str) {
    let length = secret.map(|secret| secret.expose_secret().chars().count());
    if let Some(length) = length.filter(|length| *length < CHARACTERS) {
        r.refuse(
            name,
            format!(
                "has {length} characters and can be guessed, expected at least {CHARACTERS}: {advice}"
            ),
        );
    }
}

/// Refuses a key of Standard Webhooks that is not base64 after `whsec_`, or has under 24 bytes.
pub(super) fn check_signing_key(r: &mut Reader<'_>, name: &str, secret: Option<&SecretString>) {
    let Some(secret) = secret.map(ExposeSecret::expose_secret) else {
        return;
    };
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    };
    match key.map(|key| key.len()) {
        None => r.refuse(
            name,
            "is not base64 after whsec_, expected whsec_ followed by base64, or any plain text",
        ),
        Some(length) if length < BYTES => r.refuse(
            name,
            format!(
                "has {length} bytes and can be guessed, expected at least {BYTES}: {NEW_SIGNING}"
            ),
        ),
        Some(_) => {}
    }
}
