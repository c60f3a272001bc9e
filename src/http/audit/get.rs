//! `GET /v1/audit`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    domain::{Scope, duration::since},
    http::{App, auth, error::Problem},
    store::AuditFilter,
    view::AuditPageView,
};

/// Lines of a page without `limit`.
const DEFAULT_LIMIT: i64 = 100;
/// The most lines of a page.
const MAX_LIMIT: i64 = 500;

/// The query.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http) struct AuditQuery {
    /// A call or a recording.
    call: Option<String>,
    /// A time, a date, or an age.
    since: Option<String>,
    limit: Option<i64>,
    cursor: Option<i64>,
}

/// A page of the audit trail, newest first. The first page begins with what was refused in this hour.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    query: Result<Query<AuditQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Read)?;
    let Query(query) = query?;
    let since = query.since.map(|text| {
        since(&text, (app.clock)()).ok_or_else(|| {
            Problem::bad_request(
                "`since` must be a time like 2026-01-31T12:00:00Z, a date, or an age like 7d",
            )
        })
    });
    let filter = AuditFilter {
        id: query.call.filter(|id| !id.is_empty()),
        since: since.transpose()?,
    };
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let before = query.cursor.unwrap_or(i64::MAX);
    let mut lines = match query.cursor {
        None => app.store.open_refused(&filter).await?,
        Some(_) => Vec::new(),
    };
    lines.reverse();
    let found = app.store.audit_before(&filter, before, limit).await?;
    let last = found.last().filter(|_| found.len() as i64 == limit);
    let next_cursor = last.and_then(|line| line.number);
    lines.extend(found);
    Ok(Json(AuditPageView::new(&lines, next_cursor)).into_response())
}
