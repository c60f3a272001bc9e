//! The bucket's region, addressing and keys.

use super::*;
use crate::domain::Addressing;

fn storage(pairs: &[(&str, &str)]) -> Result<StorageSettings, String> {
    Config::storage(&with(pairs)).map_err(|e| e.to_string())
}

fn region(endpoint: &str, region: &str) -> Result<String, String> {
    let pairs = [("S3_ENDPOINT", endpoint), ("S3_REGION", region)];
    storage(&pairs).map(|it| it.region)
}

#[test]
fn a_region_is_taken_from_the_host_or_asked_for() {
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(region("https://s3.fr-par.scw.cloud", ""), ok("fr-par"));
    assert_eq!(region("https://s3.fr-par.scw.cloud", "auto"), ok("fr-par"));
    assert_eq!(
        region("https://fra1.digitaloceanspaces.com", "us-east-1"),
        ok("us-east-1")
    );
    assert_eq!(
        region("https://0a.eu.r2.cloudflarestorage.com/", ""),
        ok("auto")
    );
    assert_eq!(region("https://storage.googleapis.com:443", ""), ok("auto"));
    assert_eq!(region("http://[::1]:9000", ""), ok("auto"));
    assert_eq!(
        region("https://s3.eu-west-1.amazonaws.com", ""),
        ok("eu-west-1")
    );
    assert_eq!(region("https://minio.example.com", "auto"), ok("auto"));
    assert_eq!(
        region("https://0a.r2.cloudflarestorage.com", "weur"),
        ok("weur")
    );
    let missing = region("https://minio.example.com", "").unwrap_err();
    assert!(
        missing.starts_with("S3_REGION: is missing") && missing.contains("S3_REGION=auto was used"),
        "{missing}"
    );
    for (endpoint, given) in [
        ("https://s3.eu-west-1.amazonaws.com", "auto"),
        ("https://s3.eu-west-1.amazonaws.com", "eu-central-1"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "auto"),
        ("https://s3.amazonaws.com", "auto"),
        ("https://s3.amazonaws.com", "Frankfurt"),
        ("", "EU-CENTRAL-1"),
        ("", "eu-central-1a"),
        ("https://0a.r2.cloudflarestorage.com", "eu-central-1"),
        ("https://s3.fr-par.scw.cloud", "FR-PAR"),
        ("https://minio.example.com", "eu central 1"),
    ] {
        let error = region(endpoint, given).unwrap_err();
        assert!(error.starts_with("S3_REGION: is "), "{endpoint}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_bucket_in_the_host_is_refused() {
    for endpoint in [
        "https://voice-agent-recordings.fra1.digitaloceanspaces.com",
        "https://voice-agent-recordings.s3.eu-central-1.amazonaws.com",
        "https://voice-agent-recordings.0a.r2.cloudflarestorage.com",
    ] {
        let error = region(endpoint, "fra1").unwrap_err();
        assert!(
            error.starts_with("S3_ENDPOINT: begins with the bucket's name"),
            "{error}"
        );
    }
    // The name of a self-hosted storage's host may begin with the bucket's name.
    let own = [
        ("S3_ENDPOINT", "https://minio.example.com"),
        ("S3_BUCKET", "minio"),
        ("S3_REGION", "us-east-1"),
    ];
    assert!(storage(&own).is_ok());
}

#[test]
fn an_endpoint_with_another_bucket_or_a_path_is_refused() {
    for (endpoint, why) in [
        (
            "https://calls.s3.eu-central-1.amazonaws.com",
            "begins with a bucket's name, calls, which is not S3_BUCKET",
        ),
        (
            "https://calls.fra1.digitaloceanspaces.com",
            "begins with a bucket's name, calls, which is not S3_BUCKET",
        ),
        ("https://0a.r2.cloudflarestorage.com/calls", "has a path"),
        ("https://key:secret@minio.example.com", "has a user name"),
        ("https://minio.example.com?a=b", "has a query"),
    ] {
        let error = region(endpoint, "").unwrap_err();
        assert!(error.starts_with(&format!("S3_ENDPOINT: {why}")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let unknown = [
        ("S3_ENDPOINT", "https://calls.storage.example.com"),
        ("S3_BUCKET", "calls"),
        ("S3_REGION", "us-east-1"),
    ];
    assert!(storage(&unknown).is_ok());
    let virtually = [&unknown[..], &[("S3_ADDRESSING", "virtual")]].concat();
    let error = storage(&virtually).err().unwrap();
    assert!(
        error.starts_with("S3_ENDPOINT: begins with the bucket's name"),
        "{error}"
    );
    let supabase = [
        ("S3_ENDPOINT", "https://abc.supabase.co/storage/v1/s3"),
        ("S3_REGION", "eu-central-1"),
    ];
    assert!(storage(&supabase).is_ok());
}

#[test]
fn addressing_is_one_of_two() {
    let addressing = |value| storage(&[("S3_ADDRESSING", value)]).map(|it| it.addressing);
    assert_eq!(addressing(""), Ok(Addressing::Path));
    assert_eq!(addressing("virtual"), Ok(Addressing::Virtual));
    assert!(
        addressing("vhost")
            .is_err_and(|e| e.starts_with("S3_ADDRESSING: expected path or virtual"))
    );
}

#[test]
fn livekit_may_have_a_key_of_its_own() {
    let own = storage(&[("S3_SESSION_TOKEN", "token")]).unwrap();
    let key = own.egress_key.get().unwrap();
    assert_eq!(key.access_key, "access");
    assert_eq!(key.session_token.unwrap().expose_secret(), "token");
    let both = [
        ("S3_EGRESS_ACCESS_KEY", "writer"),
        ("S3_EGRESS_SECRET_KEY", "secret"),
    ];
    let with_token = [both[0], both[1], ("S3_SESSION_TOKEN", "token")];
    let key = storage(&with_token).unwrap().egress_key.get().unwrap();
    assert_eq!(
        (key.access_key.as_str(), key.session_token.is_none()),
        ("writer", true)
    );
    for (given, missing) in [(0, 1), (1, 0)] {
        let error = storage(&[both[given]]).err().unwrap();
        assert!(
            error.starts_with(&format!("{}: is missing", both[missing].0)),
            "{error}"
        );
    }
}

#[test]
fn keys_in_files_are_read_for_each_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let names = ["S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_SESSION_TOKEN"];
    let write = |suffix: &str| {
        for name in names {
            std::fs::write(path(name), format!("{name}-{suffix}\n")).unwrap();
        }
    };
    write("1");
    let others = COMPLETE
        .into_iter()
        .filter(|(name, _)| !names.contains(name));
    let files = names.map(|name| (format!("{name}_FILE"), path(name)));
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = Source::from_pairs(others.chain(files));
    let key = Config::storage(&source)
        .unwrap_or_else(|e| panic!("{e}"))
        .key;
    write("2");
    let now = key.get().unwrap();
    assert_eq!(now.access_key, "S3_ACCESS_KEY-2");
    assert_eq!(now.secret_key.expose_secret(), "S3_SECRET_KEY-2");
    assert_eq!(
        now.session_token.unwrap().expose_secret(),
        "S3_SESSION_TOKEN-2"
    );
    std::fs::remove_file(path("S3_SESSION_TOKEN")).unwrap();
    let error = key.get().unwrap_err().to_string();
    assert!(
        error.contains("S3_SESSION_TOKEN_FILE=") && error.contains("cannot be read"),
        "{error}"
    );
    std::fs::write(path("S3_SESSION_TOKEN"), "").unwrap();
    assert!(key.get().unwrap_err().to_string().ends_with("is empty"));
}
