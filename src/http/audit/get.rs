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
    store::AuditFilter,
    view::AuditPageView,
};

/// Lines of a page without `limit`.
const DEFAULT_LIMIT: i64 = 100;
/// The most lines of a page.
const MAX_LIMIT: i64 = 500;

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
