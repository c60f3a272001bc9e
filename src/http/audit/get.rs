//! `GET /v1/audit`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{
    IntoParams,
    openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type},
};

use crate::{
    domain::{Scope, duration::since},
    http::{
        App, auth,
        error::Problem,
        openapi::{AnyRefusal, ReaderRefusals, WrongQuery},
    },
    store::{self, AuditFilter, AuditLine},
    view::AuditPageView,
};

/// Lines of a page without `limit`.
const DEFAULT_LIMIT: i64 = 100;
/// The most lines of a page.
const MAX_LIMIT: i64 = 500;
/// A cursor of so much and more counts the lines of this hour's refused requests that are older; the chain has no such
/// number.
const REFUSED: i64 = 1_000_000_000_000_000;

/// The query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AuditQuery {
    /// Only lines about this call (`RM_…`) or recording (`EG_…`).
    #[param(example = "RM_xyfMBrg6gETE")]
    call: Option<String>,
    #[param(schema_with = since_schema)]
    since: Option<String>,
    /// The most lines of the page, from 1 to 500; by default 100. Another number means the nearest of these.
    #[param(example = 100)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = r"^[0-9]{1,18}$", example = "17")]
    cursor: Option<i64>,
}

/// A time, a date, or an age.
fn since_schema() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let format = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
    OneOfBuilder::new()
        .item(format(KnownFormat::DateTime))
        .item(format(KnownFormat::Date))
        .item(text().pattern(Some("^([0-9]{1,4}[smhd]|[0-9]{1,2}y)$")))
        .description(Some(
            "Only lines since this time, date, or age, like `2026-01-31T12:00:00Z`, `2026-01-31` or `7d`",
        ))
        .examples(["7d"])
        .build()
        .into()
}

/// Reads the audit trail
///
/// Newest line first; the first page begins with what was refused in this hour. Takes API_TOKEN, or a token with the scope
/// `read`.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit", tag = "audit",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of the audit trail", body = AuditPageView),
        WrongQuery, ReaderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["read"])),
)]
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
    let cursor = query.cursor.unwrap_or(i64::MAX);
    let (lines, next_cursor) = page(&app, &filter, cursor, limit).await?;
    Ok(Json(AuditPageView::new(&lines, next_cursor)).into_response())
}

/// At most `limit` lines from `cursor` on, and the cursor of the next page.
async fn page(
    app: &App,
    filter: &AuditFilter,
    cursor: i64,
    limit: i64,
) -> Result<(Vec<AuditLine>, Option<i64>), store::Error> {
    let mut lines = Vec::new();
    if let Some(older) = cursor.checked_sub(REFUSED).filter(|count| *count >= 0) {
        lines = app.store.open_refused(filter).await?;
        // What is refused meanwhile comes after these.
        lines.truncate(usize::try_from(older).unwrap_or(usize::MAX));
        let rest = lines.len().saturating_sub(limit as usize);
        lines.drain(..rest);
        lines.reverse();
        if lines.len() as i64 == limit {
            return Ok((lines, Some(REFUSED + rest as i64)));
        }
    }
    let room = limit - lines.len() as i64;
    let found = app.store.audit_before(filter, cursor, room).await?;
    let last = found.last().filter(|_| found.len() as i64 == room);
    let next_cursor = last.and_then(|line| line.number);
    lines.extend(found);
    Ok((lines, next_cursor))
}
