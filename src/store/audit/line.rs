//! A line of the audit trail, and its hash.

use jiff::Timestamp;
use serde_json::json;
use sqlx::{Row, any::AnyRow};

use crate::{
    domain::{audit::AuditEntry, sha256},
    store::{
        error::Result,
        sql::{text, time},
    },
};

/// The columns that [`read`] takes.
pub(super) const COLUMNS: &str = "number, happened_at, who, action, call_id, egress_id, configuration, client, status, requests, detail, line_key, previous, hash";

/// A stored line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place in the chain; `None`: refused requests of an hour that is not over.
    pub number: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// Who, as text.
    pub who: String,
    /// One of [`AuditAction`](crate::domain::audit::AuditAction), or one of a later version.
    pub action: String,
    /// `RM_…`
    pub call_id: Option<String>,
    /// `EG_…`
    pub egress_id: Option<String>,
    /// Of a start: the fingerprint of the settings.
    pub configuration: Option<String>,
    /// From where.
    pub client: String,
    /// The answer.
    pub status: i64,
    /// How many requests it stands for.
    pub requests: i64,
    /// More about it.
    pub detail: String,
    /// The same line twice is one line.
    pub(super) key: String,
    /// The hash of the line before.
    pub previous: String,
    /// SHA-256 of all the others; empty while it has no number.
    pub hash: String,
}

impl AuditLine {
    /// A line that has no place yet.
    pub(super) fn new(entry: &AuditEntry, key: String) -> AuditLine {
        let subject = entry.subject.clone();
        AuditLine {
            number: None,
            at: entry.at,
            who: text(&entry.who.to_string()),
            action: entry.action.as_str().to_owned(),
            call_id: subject.call_id.as_deref().map(text),
            egress_id: subject.egress_id.as_deref().map(text),
            configuration: subject.configuration,
            client: text(&entry.client),
            status: entry.status.into(),
            requests: 1,
            detail: text(&entry.detail),
            key,
            previous: String::new(),
            hash: String::new(),
        }
    }

    /// The line at this place of the chain.
    pub(super) fn at_place(self, number: i64, previous: String) -> AuditLine {
        let placed = AuditLine {
            number: Some(number),
            previous,
            ..self
        };
        let hash = placed.computed_hash();
        AuditLine { hash, ..placed }
    }

    /// The hash that the line should have: of the JSON list of its columns in their order.
    pub(super) fn computed_hash(&self) -> String {
        let columns = json!([
            self.number,
            self.at.as_millisecond(),
            self.who,
            self.action,
            self.call_id,
            self.egress_id,
            self.configuration,
            self.client,
            self.status,
            self.requests,
            self.detail,
            self.key,
            self.previous
        ]);
        sha256(columns.to_string())
    }
}

/// Reads a line of the chain.
pub(super) fn read(row: &AnyRow) -> Result<AuditLine> {
    Ok(AuditLine {
        number: row.try_get("number")?,
        at: time(row.try_get("happened_at")?),
        who: row.try_get("who")?,
        action: row.try_get("action")?,
        call_id: row.try_get("call_id")?,
        egress_id: row.try_get("egress_id")?,
        configuration: row.try_get("configuration")?,
        client: row.try_get("client")?,
        status: row.try_get("status")?,
        requests: row.try_get("requests")?,
        detail: row.try_get("detail")?,
        key: row.try_get("line_key")?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}
