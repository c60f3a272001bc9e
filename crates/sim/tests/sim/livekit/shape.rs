//! Comparing bodies by their keys alone.

use std::collections::BTreeSet;

use serde_json::Value;

/// A body that a real server sent.
pub(super) fn captured(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/livekit-captured"
    );
    std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap()
}

/// LiveKit's Rust client always sends `advanced`; the captured calls were started without it, or with less in it.
pub(super) fn without_advanced(body: &str) -> String {
    let Some((before, rest)) = body.split_once("\"advanced\":{") else {
        return body.to_owned();
    };
    let (_, after) = rest.split_once("}, ").unwrap();
    format!("{before}{after}")
}

/// Some captured calls were started with less than these tests ask for.
pub(super) fn asked_as_here(body: &str) -> String {
    body.replace(
        "\"fileOutputs\"",
        "\"audioMixing\":\"DUAL_CHANNEL_AGENT\", \"fileOutputs\"",
    )
    .replace("\"disableManifest\":true, ", "")
    .replace("\"s3\"", "\"disableManifest\":true, \"s3\"")
}

/// `{"a":[{"b":1}]}` is `a`, `a[].b`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}.{key}");
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keys(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

pub(super) fn shape(body: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(body).unwrap(), "", &mut found);
    found
}

/// The keys of a body in the order in which they are written.
pub(super) fn key_order(body: &str) -> Vec<&str> {
    let parts: Vec<_> = body.split('"').collect();
    let key = |at: &usize| parts.get(at + 1).is_some_and(|next| next.starts_with(':'));
    (0..parts.len()).filter(key).map(|at| parts[at]).collect()
}
