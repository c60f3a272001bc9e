//! Lines of the audit trail.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::AuditLine;

/// `GET /v1/audit`
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub struct AuditPageView<'a> {
    /// Newest first.
    pub lines: Vec<AuditLineView<'a>>,
    /// Continue with this; null: there are no more.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLine)]
pub struct AuditLineView<'a> {
    /// Its place in the chain; null for refused requests of the current hour.
    #[schema(required = true)]
    pub number: Option<i64>,
    /// When; of several requests the first.
    pub at: Timestamp,
    /// `token:NAME`, `livekit:IDENTITY`, `person:NAME`, `link`, `user:NAME` or `unknown`.
    pub who: &'a str,
    /// `listen`, `read_words`, `link`, …
    pub action: &'a str,
    /// `RM_…`
    #[schema(required = true)]
    pub call_id: Option<&'a str>,
    /// `EG_…`
    #[schema(required = true)]
    pub egress_id: Option<&'a str>,
    /// Of a start: the fingerprint of the settings.
    #[schema(required = true)]
    pub configuration: Option<&'a str>,
    /// The address, or the host of a command.
    pub client: &'a str,
    /// Of the answer; of a command its exit code.
    pub status: i64,
    /// Requests that the line stands for.
    pub count: i64,
    /// Options of a command.
    pub detail: &'a str,
    /// The hash of the line before.
    pub previous: &'a str,
    /// The line's own.
    pub hash: &'a str,
}

impl<'a> AuditPageView<'a> {
    /// These lines; `next` is the number of the last.
    pub fn new(lines: &'a [AuditLine], next: Option<i64>) -> AuditPageView<'a> {
        AuditPageView {
            lines: lines.iter().map(AuditLineView::new).collect(),
            next_cursor: next.map(|number| number.to_string()),
        }
    }
}

impl<'a> AuditLineView<'a> {
    /// This line.
    pub fn new(line: &'a AuditLine) -> AuditLineView<'a> {
        AuditLineView {
            number: line.number,
            at: line.at,
            who: &line.who,
            action: &line.action,
            call_id: line.call_id.as_deref(),
            egress_id: line.egress_id.as_deref(),
            configuration: line.configuration.as_deref(),
            client: &line.client,
            status: line.status,
            count: line.requests,
            detail: &line.detail,
            previous: &line.previous,
            hash: &line.hash,
        }
    }
}
