//! Secrets that can be guessed, and addresses in clear text.

use std::collections::BTreeMap;

use super::*;

#[test]
fn short_secrets_are_refused_with_the_line_that_makes_one() {
    for name in ["API_TOKEN", "LINK_SECRET"] {
        let error = errors(&[(name, &"x".repeat(31))]);
        assert!(
            error.starts_with(&format!("{name}: has 31 characters"))
                && error.contains("openssl rand -hex 32")
                && !error.contains("xx"),
            "{error}"
        );
        assert_eq!(errors(&[(name, &"x".repeat(32))]), "");
    }
    let name = "EGRESS_WEBHOOK_SECRET";
    // 23 bytes, and 24.
    for short in ["x".repeat(23), format!("whsec_{}=", "A".repeat(31))] {
        let error = errors(&[(name, &short)]);
        assert!(
            error.starts_with("EGRESS_WEBHOOK_SECRET: has 23 bytes")
                && error.contains("openssl rand -base64 32"),
            "{error}"
        );
    }
    for long in ["x".repeat(24), format!("whsec_{}", "A".repeat(32))] {
        assert_eq!(errors(&[(name, &long)]), "");
    }
}

#[test]
fn the_key_for_development_is_refused_for_a_public_server() {
    let dev = [
        ("LIVEKIT_API_KEY", "devkey"),
        ("LIVEKIT_API_SECRET", "secret"),
    ];
    let error = errors(&dev);
    assert!(
        error.starts_with("LIVEKIT_API_KEY: is the key of"),
        "{error}"
    );
    let more = errors(&[("LIVEKIT_WEBHOOK_KEYS", "devkey:secret")]);
    assert!(
        more.starts_with("LIVEKIT_WEBHOOK_KEYS: pair 1 is the key"),
        "{more}"
    );
    for url in [
        "ws://localhost:7880",
        "http://livekit:7880",
        "ws://10.0.0.7:7880",
    ] {
        assert_eq!(errors(&[dev[0], dev[1], ("LIVEKIT_URL", url)]), "");
    }
}

#[test]
fn clear_text_is_named_and_refused_for_airtable() {
    let source = with(&[
        ("LIVEKIT_URL", "ws://livekit:7880"),
        ("S3_EGRESS_ENDPOINT", "http://minio:9000"),
        ("EGRESS_WEBHOOK_URL", "http://n8n:5678/hook"),
        ("ALERT_WEBHOOK_URL", "http://127.0.0.1/alerts"),
    ]);
    let config = Config::serve(&source).unwrap_or_else(|e| panic!("{e}"));
    let names = ["LIVEKIT_URL", "S3_EGRESS_ENDPOINT", "EGRESS_WEBHOOK_URL"];
    assert_eq!(config.clear_text(), names);
    for name in ["AIRTABLE_API_URL", "AIRTABLE_CONTENT_URL"] {
        let error = errors(&[(name, "http://airtable.example.com")]);
        assert!(error.starts_with(&format!("{name}: uses http")), "{error}");
    }
}

#[test]
fn the_fingerprint_changes_with_settings_and_not_with_secrets() {
    let fingerprint = |more: &[(&str, &str)]| {
        let mut pairs: BTreeMap<&str, &str> = COMPLETE.into();
        pairs.extend(BASIC);
        pairs.extend(more.iter().copied());
        let config = Config::serve(&Source::from_pairs(pairs));
        config
            .unwrap_or_else(|error| panic!("{more:?}: {error}"))
            .fingerprint
    };
    let first = fingerprint(&[]);
    let long = "another-secret-that-has-enough-characters";
    for secret in [
        ("LIVEKIT_API_SECRET", long),
        ("LIVEKIT_WEBHOOK_KEYS", "other:another-secret"),
        ("S3_ACCESS_KEY", "other"),
        ("S3_SECRET_KEY", long),
        ("AIRTABLE_TOKEN", "patOther.0123"),
        ("LINK_SECRET", long),
        ("EGRESS_WEBHOOK_SECRET", long),
        (
            "EGRESS_WEBHOOK_URL",
            "https://user:other@n8n.example.com/hook/other?key=other",
        ),
        (
            "ALERT_WEBHOOK_URL",
            "https://hooks.example.com/services/other",
        ),
        ("API_TOKEN", long),
        (
            "API_TOKENS",
            "board read other-secret-that-has-enough-characters",
        ),
        ("DATABASE_URL", "postgres://user:other@localhost/calls"),
    ] {
        assert_eq!(fingerprint(&[secret]), first, "{secret:?}");
    }
    for setting in [
        ("LIVEKIT_URL", "wss://other.livekit.cloud"),
        ("LIVEKIT_API_KEY", "APIother"),
        ("S3_BUCKET", "other"),
        ("AIRTABLE_BASE_ID", "appSimulated00002"),
        ("RECORD_ROOMS", "call-*"),
        ("KEEP", "1d"),
        ("EGRESS_WEBHOOK_URL", "https://other.example.com/hook"),
        (
            "API_TOKENS",
            "board words,read other-secret-that-has-enough-characters",
        ),
        ("DATABASE_URL", "postgres://user:other@127.0.0.1/calls"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ] {
        assert_ne!(fingerprint(&[setting]), first, "{setting:?}");
    }
}

const BASIC: [(&str, &str); 8] = [
    ("LIVEKIT_WEBHOOK_KEYS", "other:some-secret"),
    ("LINK_SECRET", "a-secret-that-has-enough-characters!"),
    (
        "EGRESS_WEBHOOK_SECRET",
        "a-secret-that-has-enough-characters!",
    ),
    (
        "EGRESS_WEBHOOK_URL",
        "https://user:pass@n8n.example.com/hook/a",
    ),
    ("ALERT_WEBHOOK_URL", "https://hooks.example.com/services/a"),
    ("API_TOKEN", "a-token-that-has-enough-characters-x"),
    (
        "API_TOKENS",
        "board read a-token-that-has-enough-characters-y",
    ),
    ("DATABASE_URL", "postgres://user:pass@localhost/calls"),
];
