//! What holds for whatever comes to `/webhooks/livekit`: no token that LiveKit did not sign passes, every body that it signed
//! does, and reading one never panics. A unit test checks it, too, without a fuzzer.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{
    domain::{KeyEntry, SigningKey, transcript},
    livekit::{body, token, webhook::EventHead},
};

const SECRET: &str = "secretsecretsecretsecretsecretsecret";
/// 2026-01-01T12:00:00Z
const NOW: i64 = 1_767_268_800;

/// The first line is an authorization header, the rest a body.
pub(crate) fn check(data: &[u8]) {
    let now = Timestamp::from_second(NOW).expect("it is a time");
    let end = data.iter().position(|byte| *byte == b'\n');
    let (header, rest) = data.split_at(end.unwrap_or(data.len()));
    let rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    let keys = token::Keys::new(vec![SigningKey {
        name: "devkey".into(),
        secret: SECRET.to_owned().into(),
        entry: KeyEntry::Main,
    }]);

    if let Ok(header) = std::str::from_utf8(header) {
        assert!(keys.verify_webhook(Some(header), now).is_err(), "forged");
        assert!(keys.verify_token(header, now).is_err(), "forged");
        // The same as claims, well signed: any answer but a panic.
        let _ = keys.verify_webhook(Some(&sign(header)), now);
        let _ = keys.verify_token(&sign(header), now);
    }

    let hash = BASE64_STANDARD.encode(Sha256::digest(rest));
    let claims = format!(
        r#"{{"iss":"devkey","exp":{},"sha256":"{hash}"}}"#,
        NOW + 300
    );
    let signed = keys
        .verify_webhook(Some(&sign(&claims)), now)
        .expect("signed");
    assert!(signed.verify(rest).is_ok(), "a signed body is taken");
    if data != rest {
        assert!(signed.verify(data).is_err(), "another body is not");
    }

    assert!(signed.dedupe_key(&EventHead::read(rest)).is_ascii());
    let text = String::from_utf8_lossy(rest);
    if let Ok(fact) = body::webhook(&text, now) {
        // The inbox keeps facts as JSON.
        let _ = format!("{fact:?}");
    }
    if let Ok(json) = serde_json::from_str::<&RawValue>(&text) {
        let _ = transcript::read(json);
    }
}

fn sign(claims: &str) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    let tag = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}
