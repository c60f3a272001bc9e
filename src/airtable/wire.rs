//! What comes over the wire: answers, rows, and tables as the metadata API prints them.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{RequestBuilder, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::error::Error;
use super::field_type::FoundType;

/// A row that is in Airtable.
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
    pub name: String,
    /// The column that Airtable shows first: an id; empty when the answer leaves it out.
    #[serde(default, rename = "primaryFieldId")]
    pub primary: String,
    pub fields: Vec<Field>,
}

/// A column that is in a base, of whatever type.
#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    /// `fld…`
    pub id: String,
    pub name: String,
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

#[derive(Deserialize)]
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    #[serde(default, rename = "createdRecords", deserialize_with = "or_default")]
    created: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    details: Details,
}

/// What is not there may come as null. The rows are written: a success is not made a failure by its trimmings.
fn or_default<'de, T, D>(value: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

impl Records {
    /// Record id to its cells.
    pub(super) fn cells(self) -> BTreeMap<String, Map<String, Value>> {
        let records = self.records.into_iter();
        records.map(|record| (record.id, record.fields)).collect()
    }

    /// Airtable answers with a success when it saved the rows but not an attachment.
    pub(super) fn log_lost_attachments(&self) {
        if !self.details.reasons.is_empty() {
            tracing::warn!(reasons = ?self.details.reasons, "Airtable saved the rows without an attachment");
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) fields: Map<String, Value>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "or_default")]
    reasons: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Tables {
    pub(super) tables: Vec<Table>,
}

/// A refusal's body beyond this is not read.
const BODY_LIMIT: usize = 64 * 1024;

pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// A refusal counts by its status even when its body breaks off; a success must be complete.
    pub(super) async fn of(request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let mut response = request.send().await?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(error),
                Err(_) => break,
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

/// Seconds; ten minutes at most, whoever asks for more (Airtable locks a base for 30 s). The form with a date is not used
/// by Airtable.
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
