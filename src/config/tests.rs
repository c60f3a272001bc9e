use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::domain::duration::duration;

use super::*;

mod bucket;
mod installed;
mod secrets;

/// All required variables with values.
const COMPLETE: [(&str, &str); 9] = [
    ("LIVEKIT_API_KEY", "APIkey"),
    ("LIVEKIT_API_SECRET", "livekit-secret"),
    ("LIVEKIT_URL", "wss://clinic.livekit.cloud"),
    ("S3_ACCESS_KEY", "access"),
    ("S3_SECRET_KEY", "storage-secret"),
    ("S3_ENDPOINT", "https://0123abc.r2.cloudflarestorage.com"),
    ("S3_BUCKET", "voice-agent-recordings"),
    ("AIRTABLE_TOKEN", "patToken.0123"),
    ("AIRTABLE_BASE_ID", "appSimulated00001"),
];

/// The snapshot contains only the output, not the invalid values.
macro_rules! assert_text {
    ($text:expr) => {{
        let text = $text;
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(text) })
    }};
}

fn with(pairs: &[(&str, &str)]) -> Source {
    Source::from_pairs(COMPLETE.iter().chain(pairs).copied())
}

fn errors(pairs: &[(&str, &str)]) -> String {
    Config::serve(&with(pairs))
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default()
}

#[test]
fn the_required_variables_are_enough() {
    let config = Config::serve(&with(&[])).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.livekit.url, "https://clinic.livekit.cloud");
    assert_eq!(config.livekit.webhook_keys.len(), 1);
    assert_eq!(config.storage.region, "auto");
    assert_eq!(config.airtable.table, "Calls");
    assert_eq!(config.recording.path, "recordings/{room_id}.mp3");
    assert_eq!(config.recording.url_ttl, Duration::from_secs(7 * 86_400));
    assert_eq!(config.times.egress_lost_after, Duration::from_secs(900));
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.database_url, "sqlite:livekit-airtable.db");
    assert!(
        config.mirror.is_none()
            && config.alert_webhook_url.is_none()
            && config.log.format == LogFormat::Text
    );
}

#[test]
fn nothing_set_names_every_required_variable() {
    let nothing: [(&str, &str); 0] = [];
    assert_text!(Config::serve(&Source::from_pairs(nothing)).err().unwrap());
}

#[test]
fn every_error_is_reported_at_once() {
    assert_text!(errors(&[
        ("LIVEKIT_URL", "clinic.livekit.cloud"),
        ("LIVEKIT_WEBHOOK_KEYS", "key:SECRET-VALUE,SECRET-VALUE"),
        ("S3_BUCKET", "https://host/bucket"),
        ("S3_ENDPOINT", "http://storage.example.com"),
        ("AIRTABLE_TOKEN", "SECRET-VALUE"),
        ("AIRTABLE_BASE_ID", "https://airtable.com/appX/tblY"),
        ("AIRTABLE_REQUESTS_PER_SECOND", "0"),
        ("AIRTABLE_MONTHLY_REQUESTS", "many"),
        ("AIRTABLE_API_URL", "https://api.airtable.com/v0"),
        ("RECORD_ON", "always"),
        ("RECORD_ROOMS", "a[b"),
        ("RECORDING_PATH", "/recordings/{call}.mp3"),
        ("RECORDING_CHANNELS", "stereo"),
        ("RECORDING_URL_TTL", "8d"),
        ("RECORDING_URL_REFRESH", "30"),
        ("PUBLIC_URL", "calls.example.com"),
        ("EGRESS_WEBHOOK_URL", "ftp://user:SECRET-VALUE@host"),
        ("EGRESS_WEBHOOK_SECRET", "whsec_SECRET-VALUE"),
        ("RECONCILE_INTERVAL", "0s"),
        ("KEEP", "99999999999999999999d"),
        ("ALERT_WEBHOOK_URL", "SECRET-VALUE"),
        ("API_TOKEN", "SECRET VALUE"),
        ("LISTEN_ADDR", "8080"),
        ("DATABASE_URL", "mysql://user:SECRET-VALUE@host/db"),
        ("RUST_LOG", "info,="),
        ("LOG_FORMAT", "xml"),
    ]));
    assert!(!errors(&[("AIRTABLE_TOKEN", "SECRET-VALUE")]).contains("SECRET"));
}

#[test]
fn placeholders_are_reported_as_such() {
    assert_text!(errors(&[
        ("LIVEKIT_API_KEY", "your_livekit_api_key"),
        ("LIVEKIT_API_SECRET", "your_livekit_secret"),
        ("LIVEKIT_URL", "wss://your-project.livekit.cloud"),
        ("S3_ACCESS_KEY", "<r2_access_key>"),
        ("S3_SECRET_KEY", "<r2_secret_key>"),
        (
            "S3_ENDPOINT",
            "https://<account-id>.r2.cloudflarestorage.com"
        ),
        (
            "EGRESS_WEBHOOK_URL",
            "https://your-n8n.com/webhook/egress-complete"
        ),
    ]));
}

#[test]
fn a_command_needs_only_what_it_uses() {
    let source = Source::from_pairs([("AIRTABLE_TOKEN", "patX"), ("AIRTABLE_BASE_ID", "appX")]);
    assert!(
        Config::airtable(&source).is_ok()
            && Config::database(&source).is_ok()
            && Config::log(&source).is_ok()
    );
    let both = read(&source, |r| {
        (StorageSettings::read(r), AirtableSettings::read(r))
    });
    assert!(both.is_err_and(|e| e.iter().all(|(name, _)| name.starts_with("S3_"))));
}

#[test]
fn a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite:x?mode=memory"] {
        let reported = errors(&[("DATABASE_URL", url)]);
        assert!(reported.starts_with("DATABASE_URL: is an in-memory database"));
    }
}

#[test]
fn regions_follow_the_storage() {
    let region = |pairs: &[(&str, &str)]| {
        Config::storage(&with(pairs))
            .map(|s| s.region)
            .map_err(|e| e.to_string())
    };
    assert_eq!(
        region(&[("S3_ENDPOINT", "https://s3.us-west-004.backblazeb2.com")]),
        Ok("us-west-004".into())
    );
    assert_eq!(
        region(&[("S3_ENDPOINT", ""), ("S3_REGION", "eu-central-1")]),
        Ok("eu-central-1".into())
    );
    assert_eq!(
        region(&[("S3_ENDPOINT", "http://127.0.0.1:9000")]),
        Ok("auto".into())
    );
    let wrong: [&[_]; 3] = [
        &[
            ("S3_ENDPOINT", "https://s3.us-west-004.backblazeb2.com"),
            ("S3_REGION", "auto"),
        ],
        &[("S3_ENDPOINT", "")],
        &[("S3_ENDPOINT", ""), ("S3_REGION", "auto")],
    ];
    for pairs in wrong {
        assert!(
            region(pairs).is_err_and(|e| e.starts_with("S3_REGION: ") && e.lines().count() == 1),
            "{pairs:?}"
        );
    }
    let behind = errors(&[(
        "S3_ENDPOINT",
        "https://0123abc.r2.cloudflarestorage.com/voice-agent-recordings",
    )]);
    assert!(
        behind.starts_with("S3_ENDPOINT: ends with the bucket's name"),
        "{behind}"
    );
}

#[test]
fn recording_paths() {
    let path = |path, kind| errors(&[("RECORDING_PATH", path), ("RECORDING_FILE_TYPE", kind)]);
    assert_eq!(path("calls/{date}/{room_name}-{time}.ogg", "ogg"), "");
    for wrong in [
        "a/../{room_id}.mp3",
        "{room_id}",
        "{room_id}.ogg",
        "{date}.mp3",
        "a/{room_id}/.mp3",
        "{room_id}}.mp3",
    ] {
        assert!(
            path(wrong, "mp3").starts_with("RECORDING_PATH: "),
            "{wrong}"
        );
    }
    let ogg = Config::recording(&with(&[("RECORDING_FILE_TYPE", "ogg")])).unwrap();
    assert_eq!(ogg.path, "recordings/{room_id}.ogg");
}

#[test]
fn livekit_urls_are_made_http() {
    let url = |url| {
        Config::livekit(&with(&[("LIVEKIT_URL", url)]))
            .map(|l| l.url)
            .ok()
    };
    assert_eq!(
        url("ws://livekit:7880/"),
        Some("http://livekit:7880".into())
    );
    assert_eq!(
        url("https://[::1]:7880/rtc"),
        Some("https://[::1]:7880".into())
    );
    assert_eq!(
        url("wss://lk.example.com:443"),
        Some("https://lk.example.com".into())
    );
    for behind_a_proxy in [
        "wss://example.com/livekit",
        "https://example.com/livekit/",
        "wss://example.com/livekit/rtc?access_token=x#y",
    ] {
        let expected = Some("https://example.com/livekit".to_owned());
        assert_eq!(url(behind_a_proxy), expected, "{behind_a_proxy}");
    }
}

#[test]
fn files_and_dotenv() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let secret = write("secret", "from-the-file\n");
    let dotenv = write(
        "env",
        "LIVEKIT_API_SECRET=your_livekit_secret\n# a comment\nAIRTABLE_TABLE='My #1 $calls'\nLIVEKIT_API_KEY=dotenv\n",
    );
    let mut source = with(&[]);
    source.add_dotenv(&dotenv);
    source.add_dotenv(&folder.path().join("none"));
    let config = Config::serve(&source).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        (
            config.livekit.api_key.as_str(),
            config.airtable.table.as_str()
        ),
        ("APIkey", "My #1 $calls")
    );

    let pairs = COMPLETE
        .into_iter()
        .filter(|(name, _)| *name != "LIVEKIT_API_SECRET");
    let mut source =
        Source::from_pairs(pairs.chain([("LIVEKIT_API_SECRET_FILE", secret.to_str().unwrap())]));
    source.add_dotenv(&dotenv);
    let livekit = Config::livekit(&source).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(livekit.api_secret.expose_secret(), "from-the-file");

    let both = errors(&[("LIVEKIT_API_SECRET_FILE", "/nowhere")]);
    assert_eq!(
        both,
        "LIVEKIT_API_SECRET: is set, and so is LIVEKIT_API_SECRET_FILE: keep one of them"
    );
    let none = errors(&[
        ("LIVEKIT_API_SECRET", ""),
        ("LIVEKIT_API_SECRET_FILE", "/nowhere"),
    ]);
    assert!(
        none.starts_with("LIVEKIT_API_SECRET: LIVEKIT_API_SECRET_FILE=/nowhere cannot be read"),
        "{none}"
    );

    let mut source = with(&[]);
    source.add_dotenv(folder.path());
    let error = Config::serve(&source).err().unwrap().to_string();
    assert!(error.starts_with(".env: cannot be read"), "{error}");

    let mut source = with(&[]);
    source.add_dotenv(&write("broken", "A=1\nthis is SECRET-VALUE no line\n"));
    let error = Config::serve(&source).err().unwrap().to_string();
    assert!(
        error.starts_with(".env: the line after A ") && !error.contains("SECRET"),
        "{error}"
    );
}

#[test]
fn the_example_file_has_the_required_variables_and_all_defaults() {
    let example = include_str!("../../.env.example");
    let mut source = Source::from_pairs(COMPLETE);
    let all: String = example
        .lines()
        .map(|l| {
            l.strip_prefix("#")
                .filter(|l| l.contains('=') && !l.starts_with(' '))
                .unwrap_or(l)
        })
        .map(|l| format!("{l}\n"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, all).unwrap();
    source.add_dotenv(&path);
    // The webhook URL is the only value that is neither a default nor required.
    let error = Config::serve(&source).err().unwrap().to_string();
    assert!(
        error.starts_with("EGRESS_WEBHOOK_URL: is still the example's placeholder")
            && error.lines().count() == 1,
        "{error}"
    );
}

proptest! {
    #[test]
    fn durations_are_read_as_written(count in 0u64..400, unit in "[smhd]") {
        let seconds = count * match unit.as_str() { "s" => 1, "m" => 60, "h" => 3600, _ => 86_400 };
        let read = duration(&format!("{count}{unit}"));
        prop_assert_eq!(read, Some(Duration::from_secs(seconds)));
        prop_assert_eq!(duration(&check::show_duration(Duration::from_secs(seconds))), read);
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(noise in "\\PC*") {
        duration(&noise);
        check::recording_path(&noise, "mp3").ok();
        address::livekit_url(&noise).ok();
        address::storage_url(&noise).ok();
        list::items(&noise);
    }
}
