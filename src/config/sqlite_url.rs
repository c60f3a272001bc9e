//! A SQLite database must be a file: one in memory would lose every call. A URL can say so in several ways, and any letter of
//! it can be a percent code.

use std::path::Path;

use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

/// Why the URL of a SQLite database names no file on the disk.
pub(super) fn check(url: &str) -> Result<(), String> {
    // The driver reads what this makes of the text, for example without tabs; it reports by itself what is no URL.
    let parsed = Url::parse(url);
    let rest = parsed.as_ref().map_or(url, Url::as_str);
    let rest = rest.trim_start_matches("sqlite://");
    let rest = rest.trim_start_matches("sqlite:");
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let name = percent_decode_str(name).decode_utf8_lossy();
    let is_in_memory = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| matches!((&*name, &*value), ("mode", "memory") | ("vfs", "memdb")));
    if name == ":memory:" || is_in_memory {
        return Err("is an in-memory database, which would lose every call".to_owned());
    }
    // SQLite takes an empty name for a temporary database.
    if name.trim_start_matches('/').is_empty() {
        return Err("names no file".to_owned());
    }
    let path = match name.strip_prefix("file:") {
        Some(uri) => check_uri(uri)?,
        None => &name,
    };
    match Path::new(path).metadata() {
        Ok(other) if !other.is_file() => Err("is a folder or a device, and no file".to_owned()),
        _ => Ok(()),
    }
}

/// SQLite reads such a name once more, with parameters and percent codes of its own.
fn check_uri(uri: &str) -> Result<&str, String> {
    let is_plain = !uri.contains(['?', '#', '%']) && uri != ":memory:";
    let has_host = uri.starts_with("//") && !uri.starts_with("///");
    match is_plain && !has_host && !uri.trim_start_matches('/').is_empty() {
        true => Ok(uri.strip_prefix("//").unwrap_or(uri)),
        false => Err("names its file with a URI of SQLite's own: write sqlite:FILE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_memory_is_recognised_in_any_notation() {
        for url in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite::memory:?cache=shared",
            "sqlite:%3Amemory%3A",
            "sqlite:%3amemory:",
            "sqlite://%3Amemory%3A?mode=rwc",
            "sqlite::%6Demory:",
            "sqlite::mem\tory:",
            "sqlite:calls.db?mode=memory",
            "sqlite:calls.db?cache=private&mode=%6Demory",
            "sqlite:calls.db?%6Dode=memory",
            "sqlite:calls.db?vfs=memdb",
            "sqlite:calls.db?mode=rwc&vfs=mem%64b",
        ] {
            let why = check(url).unwrap_err();
            assert!(why.starts_with("is an in-memory database"), "{url}: {why}");
        }
        for url in [
            "sqlite:file::memory:",
            "sqlite:file:%253Amemory%253A",
            "sqlite:file:x%3Fmode=memory",
            "sqlite:file:x%3Fmode%3Dmemory%26cache%3Dshared",
            "sqlite:file:/x%3Fvfs%3Dmemdb",
            "sqlite:file:",
            "sqlite:file:///",
            "sqlite:file:%23",
            "sqlite:file://localhost/calls.db",
        ] {
            let why = check(url).unwrap_err();
            assert!(why.contains("write sqlite:FILE"), "{url}: {why}");
        }
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite:?mode=rwc",
            "sqlite:%2F",
        ] {
            assert_eq!(check(url), Err("names no file".to_owned()), "{url}");
        }
    }

    #[test]
    fn a_folder_or_a_device_is_no_file() {
        for url in [
            "sqlite:/",
            "sqlite:/tmp",
            "sqlite:/dev/null",
            "sqlite:file:/dev/null",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_file_is_a_file() {
        for url in [
            "sqlite:calls.db",
            "sqlite://data/calls.db?mode=rwc",
            "sqlite:///var/lib/my%20calls%3F.db",
            "sqlite:memory.db",
            "sqlite:mode=memory.db",
            "sqlite:/:memory:/calls.db",
            "sqlite:file:calls.db",
            "sqlite:file:///var/calls.db",
            "sqlite:100%.db",
            "sqlite:calls.db?vfs=unix-excl",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }
}
