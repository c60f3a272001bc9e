//! Which request does what. Paths are matched on decoded segments: a table's name may hold a slash.

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};

use super::refusal::{Outcome, Refusal};
use super::{Airtable, State, attachments, comments, ids, list, records, schema, webhooks};

/// A request as the API sees it.
pub(super) struct Call {
    pub method: Method,
    /// Decoded, without empty segments: airtable.js posts to `/v0/{base}/{table}/?`.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    /// None: it was too large.
    pub body: Option<Bytes>,
}

impl Call {
    /// The base whose rate limit counts, if the request names one.
    pub fn base(&self) -> Option<&str> {
        match &self.path()[..] {
            ["v0", "meta", "bases", base, ..] => Some(base),
            ["v0", "meta", ..] => None,
            ["v0", "bases", base, "webhooks", ..] => Some(base),
            ["v0", base, ..] => Some(base),
            _ => None,
        }
    }

    pub fn is_upload(&self) -> bool {
        matches!(self.path()[..], [.., "uploadAttachment"])
    }

    pub fn is_metadata(&self) -> bool {
        matches!(self.path()[..], ["v0", "meta", ..])
    }

    /// Whether it is a write whose body holds this text.
    pub fn holds(&self, text: &str) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let mut places = body.windows(text.len().max(1));
        self.method != Method::GET && places.any(|place| place == text.as_bytes())
    }

    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub fn json(&self) -> Outcome {
        let too_large = || Refusal::new(413, "REQUEST_TOO_LARGE", "Request body is too large");
        let bytes = self.body.as_ref().ok_or_else(too_large)?;
        let body: Option<Value> = serde_json::from_slice(bytes).ok();
        body.filter(Value::is_object)
            .ok_or_else(|| Refusal::invalid("INVALID_REQUEST_BODY", "Could not parse request body"))
    }

    pub fn query(&self) -> Value {
        list::from_query(&self.query)
    }

    /// `records[]=rec…&records[]=rec…`
    fn record_ids(&self) -> Vec<String> {
        let named = self
            .query
            .iter()
            .filter(|(key, _)| key.starts_with("records"));
        named.map(|(_, id)| id.clone()).collect()
    }
}

/// The path's segments, decoded.
pub(super) fn segments(path: &str) -> Vec<String> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.map(decode).collect()
}

pub(super) fn dispatch(airtable: &Airtable, call: &Call) -> Outcome {
    let mut state = airtable.state();
    match &call.path()[..] {
        ["v0", "meta", rest @ ..] => metadata(&mut state, call, rest),
        ["v0", "bases", base, "webhooks", rest @ ..] => {
            webhooks::answer(state.base(base)?, call, rest)
        }
        ["v0", base, record, field, "uploadAttachment"] if call.method == Method::POST => {
            upload(airtable, &mut state, call, base, record, field)
        }
        ["v0", base, table] => many(&mut state, call, base, table),
        ["v0", base, table, "listRecords"] if call.method == Method::POST => {
            let mut query = call.json()?;
            if let (Some(query), Value::Object(more)) = (query.as_object_mut(), call.query()) {
                query.extend(more);
            }
            let base = state.base(base)?;
            list::list(base, base.table_at(table)?, &query)
        }
        ["v0", base, table, record] => one(&mut state, call, base, table, record),
        ["v0", base, table, record, "comments", comment @ ..] if comment.len() < 2 => {
            let table = state.base(base)?.table_mut(table)?;
            comments::answer(table, call, record, comment.first().copied())
        }
        _ => Err(Refusal::not_found()),
    }
}

fn metadata(state: &mut State, call: &Call, path: &[&str]) -> Outcome {
    match (call.method.as_str(), path) {
        ("GET", ["whoami"]) => schema::whoami(),
        ("GET", ["bases"]) => schema::bases(&state.bases),
        ("POST", ["bases"]) => schema::create_base(&mut state.bases, &call.json()?),
        ("GET", ["bases", base]) => schema::collaborators(state.base(base)?),
        ("DELETE", ["bases", base]) => schema::delete_base(&mut state.bases, base),
        ("GET", ["bases", base, "tables"]) => schema::tables(state.base(base)?),
        ("POST", ["bases", base, "tables"]) => {
            let body = call.json()?;
            let base = state.base(base)?;
            base.transact(|base| schema::create_table(base, &body))
        }
        ("PATCH", ["bases", base, "tables", table]) => {
            schema::update_table(state.base(base)?, table, &call.json()?)
        }
        ("POST", ["bases", base, "tables", table, "fields"]) => {
            let body = call.json()?;
            let base = state.base(base)?;
            base.transact(|base| schema::create_field(base, table, &body))
        }
        ("PATCH", ["bases", base, "tables", table, "fields", field]) => {
            schema::update_field(state.base(base)?, table, field, &call.json()?)
        }
        _ => Err(Refusal::not_found()),
    }
}

fn many(state: &mut State, call: &Call, base: &str, table: &str) -> Outcome {
    let base = state.base(base)?;
    let table = base.table_at(table)?;
    let query = call.query();
    let by_id = records::flag(&query, "returnFieldsByFieldId");
    if call.method == Method::GET {
        return list::list(base, table, &query);
    }
    base.transact(|base| match call.method.as_str() {
        "POST" => records::create(base, table, &call.json()?, by_id),
        "PATCH" => records::update(base, table, &call.json()?, false, by_id),
        "PUT" => records::update(base, table, &call.json()?, true, by_id),
        "DELETE" => records::delete(base, table, &call.record_ids()),
        _ => Err(Refusal::not_found()),
    })
}

fn one(state: &mut State, call: &Call, base: &str, table: &str, record: &str) -> Outcome {
    let base = state.base(base)?;
    let table = base.table_at(table)?;
    if !ids::is_id(record, "rec") {
        return Err(Refusal::not_found());
    }
    let query = call.query();
    let by_id = records::flag(&query, "returnFieldsByFieldId");
    if call.method == Method::GET {
        return list::get(base, table, record, &query);
    }
    base.transact(|base| match call.method.as_str() {
        "PATCH" => records::update_one(base, (table, record), &call.json()?, false, by_id),
        "PUT" => records::update_one(base, (table, record), &call.json()?, true, by_id),
        "DELETE" => records::delete_one(base, table, record),
        _ => Err(Refusal::not_found()),
    })
}

fn upload(
    airtable: &Airtable,
    state: &mut State,
    call: &Call,
    base: &str,
    record: &str,
    field: &str,
) -> Outcome {
    let body = call.json()?;
    let base = state.base(base)?;
    let (answer, (id, content)) = attachments::upload(base, &airtable.url(), record, field, &body)?;
    state.contents.insert(id, content);
    Ok(json!(answer))
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
