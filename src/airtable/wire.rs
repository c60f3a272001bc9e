//! Wire types: responses, rows, and tables as the metadata API returns them.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{RequestBuilder, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::error::Error;
use super::field_type::FoundType;

/// A row in Airtable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// `rec…`
    pub record_id: String,
    /// Whether this request made it.
    pub created: bool,
}

/// A table as the metadata API prints it.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    /// `tbl…`
    pub id: String,
    /// As people call it now.
    pub name: String,
    /// The primary column's ID; empty if the response omits it.
    #[serde(default, rename = "primaryFieldId")]
    pub primary: String,
    /// Its columns, in the order of their creation.
    pub fields: Vec<Field>,
}

/// A column that is in a base, of whatever type.
#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    /// `fld…`
    pub id: String,
    /// As people call it now.
    pub name: String,
    /// Airtable's type of it.
    #[serde(rename = "type")]
    pub kind: FoundType,
    /// As the metadata API prints them; null when the type has none.
    #[serde(default)]
    pub options: Value,
}

/// A base that was created.
#[derive(Debug, Clone, Deserialize)]
pub struct Base {
    /// `app…`
    pub id: String,
    /// The tables that it was created with.
    pub tables: Vec<Table>,
}

/// The record of each row: found by its id or its key, whatever the answer's order; by its place where the answer has no
/// keys. An answer that does not say is [`Error::Incomplete`]: a row must never be taken for another call's.
pub(super) fn written(
    answer: &Records,
    key_field_id: &str,
    rows: &[(Option<String>, Map<String, Value>)],
) -> Result<Vec<Written>, Error> {
    if answer.records.len() != rows.len() {
        return Err(Error::Incomplete);
    }
    let found = rows
        .iter()
        .zip(&answer.records)
        .map(|((id, cells), beside)| {
            let key = cells.get(key_field_id);
            let is_it = |record: &&Record| match id {
                Some(id) => record.id == *id,
                None => key.is_some() && record.fields.get(key_field_id) == key,
            };
            let by_place = || {
                let tells_nothing = id.is_none() && !beside.fields.contains_key(key_field_id);
                tells_nothing.then_some(beside)
            };
            let record = answer.records.iter().find(is_it).or_else(by_place);
            let record = record.ok_or(Error::Incomplete)?;
            Ok(Written {
                record_id: record.id.clone(),
                created: answer.created.contains(&record.id),
            })
        });
    found.collect()
}

/// The answer to a request about records.
#[derive(Deserialize)]
pub(super) struct Records {
    /// In any order.
    pub(super) records: Vec<Record>,
    /// Where the next page of a list begins.
    #[serde(default)]
    pub(super) offset: Option<String>,
    #[serde(default, rename = "createdRecords", deserialize_with = "or_default")]
    created: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    details: Details,
}

/// Missing values may be null. The rows are written: a malformed extra must not turn success into failure.
fn or_default<'de, T, D>(value: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

impl Records {
    /// Record ID to its cells.
    pub(super) fn cells(self) -> BTreeMap<String, Map<String, Value>> {
        let records = self.records.into_iter();
        records.map(|record| (record.id, record.fields)).collect()
    }

    /// Airtable answers with a success when it saved the rows but not an attachment.
    pub(super) fn log_lost_attachments(&self) {
        if !self.details.reasons.is_empty() {
            tracing::warn!(reasons = ?self.details.reasons, "Airtable saved the rows, but not an attachment");
        }
    }
}

/// A record, with the cells that were asked for.
#[derive(Deserialize)]
pub(super) struct Record {
    /// `rec…`
    pub(super) id: String,
    /// By field id; empty cells are left out.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) fields: Map<String, Value>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "or_default")]
    reasons: Vec<String>,
}

/// The metadata API's answer about the token.
#[derive(Deserialize)]
pub(super) struct User {
    /// `usr…`
    pub(super) id: String,
}

/// The metadata API's answer about a base.
#[derive(Deserialize)]
pub(super) struct Tables {
    /// All tables of the base.
    pub(super) tables: Vec<Table>,
}

/// Error bodies are read up to this many bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// A success with a longer body is not read: a hundred records with long texts have some MiB.
const LONGEST: usize = 32 << 20;

/// An answer as it came.
pub(super) struct Response {
    pub(super) status: StatusCode,
    /// `Retry-After`, at most ten minutes.
    pub(super) retry_after: Option<Duration>,
    /// Complete for a success; of a refusal as much as came, up to 64 KiB and a chunk.
    pub(super) body: Vec<u8>,
}

impl Response {
    /// A refusal counts by its status even when its body breaks off; a success must be complete.
    pub(super) async fn of(request: RequestBuilder) -> Result<Response, Error> {
        let mut response = request.send().await.map_err(unanswered)?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(unanswered(error)),
                Err(_) => break,
            }
            if status.is_success() && body.len() > LONGEST {
                return Err(Error::TooLong);
            }
            if !status.is_success() && body.len() > BODY_LIMIT {
                break;
            }
        }
        Ok(Response {
            status,
            retry_after,
            body,
        })
    }
}

/// The URL contains the formula, and therefore the key.
fn unanswered(error: reqwest::Error) -> Error {
    match error.is_builder() {
        true => Error::Unsendable(error.without_url()),
        false => Error::Unreachable(error.without_url()),
    }
}

/// Seconds; at most ten minutes, whatever the header says (Airtable locks a base for 30 s). Airtable does not use the
/// form with a date.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds: f64 = response
        .headers()
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(600.0)))
}
