use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::{
    domain::{KeyEntry, SigningKey, Standing},
    livekit::token::Grants,
};

const BODY: &[u8] =
    include_bytes!("../../../tests/fixtures/livekit-captured/001_room_started.json");

fn keys() -> Keys {
    Keys::new(vec![
        key("devkey", "secret-one", KeyEntry::Main),
        key("other", "secret-two", KeyEntry::Listed),
        key("devkey", "secret-before", KeyEntry::Listed),
        key("former", "secret-lost", KeyEntry::Webhooks),
    ])
}

fn key(name: &str, secret: &str, entry: KeyEntry) -> SigningKey {
    SigningKey {
        name: name.to_owned(),
        secret: secret.into(),
        entry,
    }
}

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn webhook(authorization: Option<&str>, body: &[u8], now: Timestamp) -> Result<(), TokenError> {
    let signed = keys().verify_webhook(authorization, now)?;
    signed.verify(body).map(|_| ())
}

fn sign(header: &Value, claims: &Value, secret: &str) -> String {
    let part = |v: &Value| BASE64_URL_SAFE_NO_PAD.encode(v.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(&signed)
        .finalize();
    format!(
        "{signed}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(mac.into_bytes())
    )
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

/// A webhook's claims as livekit-server creates them, with some of them changed; null removes one.
fn claims(changes: Value) -> Value {
    let at = now().as_second();
    let mut claims = json!({
        "iss": "devkey", "nbf": at, "exp": at + 300, "sha256": BASE64_STANDARD.encode(Sha256::digest(BODY)),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn verify(changes: Value, secret: &str) -> Result<(), TokenError> {
    webhook(Some(&sign(&hs256(), &claims(changes), secret)), BODY, now())
}

#[test]
fn takes_what_livekit_signs_bare_or_bearer_with_any_of_our_keys() {
    assert_eq!(verify(json!({}), "secret-one"), Ok(()));
    assert_eq!(verify(json!({}), "secret-before"), Ok(()));
    assert_eq!(verify(json!({"iss": "other"}), "secret-two"), Ok(()));
    let bearer = format!(
        "Bearer {}",
        sign(&hs256(), &claims(json!({})), "secret-one")
    );
    assert_eq!(webhook(Some(&bearer), BODY, now()), Ok(()));
}

#[test]
fn tells_which_key_signed() {
    let token = sign(&hs256(), &claims(json!({"iss": "other"})), "secret-two");
    let signed = keys().verify_webhook(Some(&token), now()).unwrap();
    let signer = signed.verify(BODY).unwrap();
    assert_eq!((signer.key.as_str(), signer.claim()), ("other", None));
}

#[test]
fn tells_what_is_known_of_the_key_that_signed() {
    let signer = |keys: &Keys, name: &str, secret: &str| {
        let token = sign(&hs256(), &claims(json!({ "iss": name })), secret);
        let signed = keys.verify_webhook(Some(&token), now()).unwrap();
        signed.verify(BODY).unwrap()
    };
    let keys = keys();
    let ours = signer(&keys, "devkey", "secret-one");
    assert_eq!(ours.standing, Standing::Ours);
    let former = signer(&keys, "former", "secret-lost");
    assert_eq!(former.standing, Standing::Earlier);
    let Standing::Undecided(other) = signer(&keys, "other", "secret-two").standing else {
        panic!("it is decided");
    };
    keys.decide(&other, &Standing::Other);
    let decided = signer(&keys, "other", "secret-two");
    assert_eq!(decided.claim(), Some(Claim::Other("other".into())));
    // Another secret makes another key.
    let before = signer(&keys, "devkey", "secret-before");
    assert_eq!(before.claim(), None);
}

#[test]
fn a_key_for_webhooks_alone_signs_no_token() {
    let token = sign(&hs256(), &claims(json!({ "iss": "former" })), "secret-lost");
    assert_eq!(
        keys().verify_token(&token, now()),
        Err(TokenError::UnknownKey)
    );
}

#[test]
fn refuses_a_wrong_key_or_none() {
    assert_eq!(webhook(None, BODY, now()), Err(TokenError::Missing));
    assert_eq!(webhook(Some(""), BODY, now()), Err(TokenError::Missing));
    assert_eq!(
        webhook(Some("Bearer abc"), BODY, now()),
        Err(TokenError::Malformed)
    );
    assert_eq!(verify(json!({}), "secret-two"), Err(TokenError::Signature));
    assert_eq!(
        verify(json!({"iss": "stranger"}), "secret-one"),
        Err(TokenError::UnknownKey)
    );
    assert_eq!(
        verify(json!({"iss": null}), "secret-one"),
        Err(TokenError::UnknownKey)
    );
}

#[test]
fn refuses_other_algorithms() {
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "RS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": "HS384"}),
        json!({"alg": "HS512"}),
        json!({"alg": "hs256"}),
        json!({"alg": ""}),
    ] {
        let token = sign(&header, &claims(json!({})), "secret-one");
        assert_eq!(
            webhook(Some(&token), BODY, now()),
            Err(TokenError::Algorithm),
            "{header}"
        );
    }
    let token = sign(
        &json!({"alg": "HS256", "crit": ["b64"], "b64": false}),
        &claims(json!({})),
        "secret-one",
    );
    assert_eq!(
        webhook(Some(&token), BODY, now()),
        Err(TokenError::Algorithm)
    );
    let unsigned = sign(&json!({"alg": "none"}), &claims(json!({})), "");
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert_eq!(
        webhook(Some(&unsigned), BODY, now()),
        Err(TokenError::Algorithm)
    );
}

#[test]
fn times_have_a_minute_of_leeway() {
    let at = now().as_second();
    assert_eq!(verify(json!({"exp": at - 60}), "secret-one"), Ok(()));
    assert_eq!(
        verify(json!({"exp": at - 61}), "secret-one"),
        Err(TokenError::Expired)
    );
    assert_eq!(
        verify(json!({"exp": null}), "secret-one"),
        Err(TokenError::NoExpiry)
    );
    assert_eq!(verify(json!({"nbf": at + 60}), "secret-one"), Ok(()));
    assert_eq!(
        verify(json!({"nbf": at + 61}), "secret-one"),
        Err(TokenError::NotYet)
    );
    assert_eq!(verify(json!({"nbf": null}), "secret-one"), Ok(()));
}

#[test]
fn the_body_is_what_was_signed() {
    assert_eq!(
        verify(json!({"sha256": null}), "secret-one"),
        Err(TokenError::NoBodyHash)
    );
    assert_eq!(
        verify(json!({"sha256": ""}), "secret-one"),
        Err(TokenError::NoBodyHash)
    );
    assert_eq!(
        verify(json!({"sha256": "%"}), "secret-one"),
        Err(TokenError::Body)
    );
    let token = sign(&hs256(), &claims(json!({})), "secret-one");
    assert_eq!(webhook(Some(&token), b"", now()), Err(TokenError::Body));
    let empty = claims(json!({"sha256": BASE64_STANDARD.encode(Sha256::digest(b""))}));
    assert_eq!(
        webhook(Some(&sign(&hs256(), &empty, "secret-one")), b"", now()),
        Ok(())
    );
}

#[test]
fn claims_of_the_wrong_kind_are_refused() {
    for claim in [
        r#"{"iss":"devkey","iss":"devkey","exp":99999999999}"#,
        r#"{"iss":"devkey","exp":"99999999999"}"#,
        r#"{"iss":"devkey","exp":1e999}"#,
        r#"{"iss":"devkey","exp":-1}"#,
        r#"{"iss":["devkey"],"exp":99999999999}"#,
        r#"{"iss":"devkey","exp":99999999999,"sha256":7}"#,
        r#"{"iss":"devkey","exp":99999999999,"video":true}"#,
        "[]",
        "null",
    ] {
        let header = BASE64_URL_SAFE_NO_PAD.encode(hs256().to_string());
        let signed = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claim));
        let mac = Hmac::<Sha256>::new_from_slice(b"secret-one").unwrap();
        let tag = mac.chain_update(&signed).finalize().into_bytes();
        let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
        assert!(webhook(Some(&token), BODY, now()).is_err(), "{claim}");
        assert!(keys().verify_token(&token, now()).is_err(), "{claim}");
    }
}

#[test]
fn reads_the_grants() {
    let video = json!({"roomAdmin": true, "room": "lobby", "canPublishSources": ["newer", 1]});
    let token = sign(
        &hs256(),
        &claims(json!({"sub": "agent-1", "video": video})),
        "secret-one",
    );
    let room = Some("lobby".to_owned());
    let expected = Grants {
        identity: "agent-1".into(),
        room,
        room_admin: true,
        room_record: false,
        observability_write: false,
    };
    assert_eq!(keys().verify_token(&token, now()), Ok(expected));
}

#[test]
fn a_webhooks_token_grants_nothing() {
    let token = sign(&hs256(), &claims(json!({})), "secret-one");
    assert_eq!(keys().verify_token(&token, now()), Ok(Grants::default()));
}

proptest! {
    #[test]
    fn a_changed_body_never_passes(at in 0..BODY.len(), by in 1u8..) {
        let token = sign(&hs256(), &claims(json!({})), "secret-one");
        let mut body = BODY.to_vec();
        body[at] ^= by;
        prop_assert_eq!(webhook(Some(&token), &body, now()), Err(TokenError::Body));
    }

    #[test]
    fn a_changed_token_never_passes(at in any::<proptest::sample::Index>(), to in "[A-Za-z0-9_.=-]") {
        let token = sign(&hs256(), &claims(json!({})), "secret-one");
        let at = at.index(token.len());
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);
        prop_assert!(webhook(Some(&changed), BODY, now()).is_err());
    }

    #[test]
    fn noise_is_refused_and_never_a_panic(noise in "\\PC*") {
        prop_assert!(webhook(Some(&noise), BODY, now()).is_err());
        prop_assert!(keys().verify_token(&noise, now()).is_err());
    }
}
