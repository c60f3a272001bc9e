//! Values as hosting services, containers and editors pass them.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use super::*;

/// One variable's error without its name.
fn error(name: &str, value: &str) -> String {
    let errors = errors(&[(name, value)]);
    let error = errors.strip_prefix(&format!("{name}: "));
    error
        .unwrap_or_else(|| panic!("{value}: {errors:?}"))
        .to_owned()
}

/// A configuration with this `.env` file beside the required variables.
fn dotenv(bytes: &[u8]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, bytes).unwrap();
    let mut source = with(&[]);
    source.add_dotenv(&path);
    Config::serve(&source).map_err(|error| error.to_string())
}

#[test]
fn quotes_that_docker_keeps_are_not_part_of_a_value() {
    let quoted = COMPLETE.map(|(name, value)| (name, format!("\"{value}\"")));
    let plain = Config::serve(&with(&[])).unwrap_or_else(|e| panic!("{e}"));
    let config = Config::serve(&Source::from_pairs(quoted)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.livekit.url, plain.livekit.url);
    assert_eq!(config.livekit.api_secret.expose_secret(), "livekit-secret");
    assert_eq!(config.storage.bucket, plain.storage.bucket);
    assert_eq!(config.storage.key.get(), plain.storage.key.get());
    let rooms = |value| Config::recording(&with(&[("RECORD_ROOMS", value)])).map(|it| it.rooms);
    assert_eq!(rooms("\"*\""), Ok(vec!["*".to_owned()]));
    assert_eq!(rooms("'call-*,!call-test-*'\r").map(|it| it.len()), Ok(2));
}

#[test]
fn what_could_be_a_comment_or_half_a_quote_is_refused() {
    for (name, value, why) in [
        ("RECORD_ROOMS", "* # all of them", "has a # after a blank"),
        (
            "RECORD_ROOMS",
            "\"*\" # all of them",
            "has a # after a blank",
        ),
        ("RECORD_ROOMS", "\"*", "has a quotation mark"),
        ("RECORD_ROOMS", "“*”", "has a quotation mark"),
        ("S3_BUCKET", "calls #ours", "has a # after a blank"),
        ("S3_SECRET_KEY", "abc # of R2", "has a # after a blank"),
        ("API_TOKEN", "# none", "has a # after a blank"),
        ("DATABASE_URL", "postgres://u:${PW}@h/d", "refers with ${…}"),
        (
            "LIVEKIT_API_KEY",
            "API\u{200b}key",
            "has an invisible character",
        ),
        ("LINK_SECRET", "\"abc\"", "is in quotes"),
        ("API_TOKEN", "'abc'", "is in quotes"),
        ("EGRESS_WEBHOOK_SECRET", "\"abc\"", "is in quotes"),
    ] {
        let error = error(name, value);
        assert!(error.starts_with(why), "{name}={value}: {error}");
    }
}

#[test]
fn a_secret_may_have_any_characters() {
    for value in ["\"abc", "a'b\"", "#abc", "p$ss#word", "“abc”"] {
        let long = format!("{value}-{:032}-{value}", 1);
        let config = Config::serve(&with(&[("LINK_SECRET", &long), ("S3_SECRET_KEY", value)]));
        let config = config.unwrap_or_else(|e| panic!("{value}: {e}"));
        let [link, storage] = [
            config.links.secret.unwrap(),
            config.storage.key.get().unwrap().secret_key,
        ];
        assert_eq!(
            (link.expose_secret(), storage.expose_secret()),
            (long.as_str(), value)
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("\"{:032}\" # \n", 1)).unwrap();
    let config = Config::serve(&with(&[("LINK_SECRET_FILE", file.to_str().unwrap())]));
    let secret = config
        .unwrap_or_else(|e| panic!("{e}"))
        .links
        .secret
        .unwrap();
    assert_eq!(secret.expose_secret(), format!("\"{:032}\" #", 1));
}

#[test]
fn a_dotenv_file_of_any_editor_is_read() {
    let text = "AIRTABLE_TABLE='My #1 $calls'\r\nexport RECORD_ROOMS=\"call-*\" # ours\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    };
    let files = [
        text.as_bytes().to_vec(),
        format!("\u{feff}{text}").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
    ];
    for bytes in files {
        let config = dotenv(&bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(config.airtable.table, "My #1 $calls");
        assert_eq!(config.recording.rooms, ["call-*"]);
    }
}

#[test]
fn an_ambiguous_dotenv_file_is_refused() {
    for (line, expected) in [
        ("RECORD_ROOMS='\"*\"'", "RECORD_ROOMS: has a quotation mark"),
        (
            "AIRTABLE_TABLE=My calls",
            "AIRTABLE_TABLE: line 1 of .env has a blank",
        ),
        ("API_TOKEN=#abc", "API_TOKEN: line 1 of .env begins with #"),
        (
            "LINK_SECRET=abc$def",
            "LINK_SECRET: line 1 of .env refers with $",
        ),
        ("RECORD_ROOMS: call-*", ".env: line 1 is not NAME=value"),
    ] {
        let error = dotenv(line.as_bytes()).err().unwrap();
        assert!(error.starts_with(expected), "{line}: {error}");
    }
    let error = dotenv(b"AIRTABLE_TABLE=Anrufe f\xfcr uns\n").err().unwrap();
    assert_eq!(error, ".env: is not UTF-8: save it as UTF-8");
    let unread = "# ours\nOTHER_PROGRAM=two words\n";
    assert!(
        dotenv(unread.as_bytes()).is_ok(),
        "only what is used is checked"
    );
}

#[test]
fn names_and_values_that_other_programs_have_spoilt() {
    let pair = |name: &[u8], value: &[u8]| {
        let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        (owned(name), owned(value))
    };
    let source = Source::from_environment([
        pair("\u{feff}AIRTABLE_TABLE".as_bytes(), b"Rows\r"),
        pair(b"export AIRTABLE_SCHEMA", b"columns.toml"),
        pair(b"\xff", b"1"),
        pair(b"AIRTABLE_TOKEN", b"pat\xff"),
        pair(b"AIRTABLE_BASE_ID", b"appX"),
    ]);
    let error = Config::airtable(&source).err().unwrap();
    assert_eq!(error.to_string(), "AIRTABLE_TOKEN: is not UTF-8");
    let table = read(&source, |r| r.required("AIRTABLE_TABLE", "a table"));
    let schema = read(&source, super::super::schema);
    assert_eq!(table.as_deref(), Ok("Rows"));
    assert_eq!(schema.unwrap().unwrap().to_str(), Some("columns.toml"));
}

#[test]
fn a_host_chooses_the_port() {
    let listen = |pairs: &[(&str, &str)]| {
        let config = Config::serve(&with(pairs)).unwrap_or_else(|e| panic!("{e}"));
        config.http.listen.to_string()
    };
    assert_eq!(listen(&[("PORT", "5000")]), "0.0.0.0:5000");
    let both = [("PORT", "5000"), ("LISTEN_ADDR", "[::]:80")];
    assert_eq!(listen(&both), "[::]:80");
    let ignored = [("PORT", "tcp://10.0.0.1:80"), ("LISTEN_ADDR", "[::]:80")];
    assert_eq!(listen(&ignored), "[::]:80");
    assert!(error("PORT", "tcp://10.0.0.1:80").starts_with("expected a port number"));
    assert!(error("PORT", "65536").starts_with("expected a port number"));
}
