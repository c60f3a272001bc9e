//! A request as the API sees it.

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Map, Value, json};

use super::refusal::{Outcome, Refusal};

/// Method, path, query and body of a request.
pub(super) struct Call {
    pub method: Method,
    /// Decoded, without empty segments: airtable.js posts to `/v0/{base}/{table}/?`.
    pub path: Vec<String>,
    /// Decoded, in the order of the URL.
    pub query: Vec<(String, String)>,
    /// None when it was too large.
    pub body: Option<Bytes>,
}

impl Call {
    /// The base whose rate limit counts, if the request names one.
    pub(super) fn base(&self) -> Option<&str> {
        match &self.path()[..] {
            ["v0", "meta", "bases", base, ..] => Some(base),
            ["v0", "meta", ..] => None,
            ["v0", "bases", base, "webhooks", ..] => Some(base),
            ["v0", base, ..] => Some(base),
            _ => None,
        }
    }

    /// Whether the request uploads an attachment.
    pub(super) fn is_upload(&self) -> bool {
        matches!(self.path()[..], [.., "uploadAttachment"])
    }

    /// Whether the request is one of the metadata API.
    pub(super) fn is_metadata(&self) -> bool {
        matches!(self.path()[..], ["v0", "meta", ..])
    }

    /// Whether the request is a write whose body contains this text.
    pub(super) fn holds(&self, text: &str) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let mut places = body.windows(text.len().max(1));
        self.method != Method::GET && places.any(|place| place == text.as_bytes())
    }

    /// The path's segments, to match on.
    pub(super) fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The body, which must be a JSON object.
    pub(super) fn json(&self) -> Outcome {
        let too_large = || Refusal::new(413, "REQUEST_TOO_LARGE", "Request body is too large");
        let bytes = self.body.as_ref().ok_or_else(too_large)?;
        let body: Option<Value> = serde_json::from_slice(bytes).ok();
        body.filter(Value::is_object)
            .ok_or_else(|| Refusal::invalid("INVALID_REQUEST_BODY", "Could not parse request body"))
    }

    /// The query string as the JSON that `listRecords` takes: `fields[]`, `sort[0][field]`, `pageSize` and so on.
    pub(super) fn query(&self) -> Value {
        let (mut query, mut fields, mut sort) = (Map::new(), Vec::new(), Vec::<Value>::new());
        for (key, value) in &self.query {
            if key == "fields" || key.starts_with("fields[") {
                fields.push(json!(value));
            } else if let Some((at, part)) =
                key.strip_prefix("sort[").and_then(|k| k.split_once("]["))
            {
                let at: usize = at.parse().unwrap_or(0).min(self.query.len());
                sort.resize(sort.len().max(at + 1), json!({}));
                sort[at][part.trim_end_matches(']')] = json!(value);
            } else {
                let key = key.trim_end_matches("[]");
                query.insert(key.to_owned(), json!(value));
            }
        }
        if !fields.is_empty() {
            query.insert("fields".to_owned(), Value::Array(fields));
        }
        if !sort.is_empty() {
            query.insert("sort".to_owned(), Value::Array(sort));
        }
        Value::Object(query)
    }

    /// The ids in `records[]=rec…&records[]=rec…`.
    pub(super) fn record_ids(&self) -> Vec<String> {
        let named = self
            .query
            .iter()
            .filter(|(key, _)| key.starts_with("records"));
        named.map(|(_, id)| id.clone()).collect()
    }
}

/// The path's segments, decoded. A table's name may contain a slash, so the path is split first.
pub(super) fn segments(path: &str) -> Vec<String> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(decode).collect()
}

fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, decoded) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
