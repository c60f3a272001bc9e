//! `GET /v1/calls` and one call: what the store knows.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    App, auth,
    error::Problem,
    openapi::{AnyRefusal, NotFound, ReaderRefusals, WrongQuery},
    room_names,
};
use crate::{
    domain::{Claim, Scope, Status, by_name},
    store::{self, CallFilter, CallRow, DeliveryState},
    view::{self, CallDetailView, CallPageView},
};

/// Calls of a page without `limit`.
const DEFAULT_LIMIT: i64 = 50;
/// The most calls of a page.
const MAX_LIMIT: i64 = 500;
/// The query of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only calls of the room with this name.
    #[param(example = "call-1")]
    room_name: Option<String>,
    #[param(schema_with = view::call_status)]
    status: Option<String>,
    #[param(schema_with = view::outstanding_state)]
    delivery: Option<String>,
    /// The most calls of the page, from 1 to 500; by default 50. Another number means the nearest of these.
    #[param(example = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before. Empty: the first page.
    #[param(
        pattern = r"^(-?[0-9]{1,16}\..+)?$",
        example = "1769862896000.RM_xyfMBrg6gETE"
    )]
    cursor: Option<String>,
}

/// Lists calls, the newest first
///
/// Takes API_TOKEN, or a token with the scope `read`.
#[utoipa::path(
    get, path = "/v1/calls", operation_id = "list_calls", tag = "calls",
    params(ListQuery),
    responses((status = 200, description = "A page of calls", body = CallPageView), WrongQuery, ReaderRefusals, AnyRefusal),
    security(("api_token" = ["read"])),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<ListQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Read)?;
    let Query(query) = query?;
    let mut filter = filter(query)?;
    // One name for all pages and filters: an empty page says nothing about the room.
    if let Some(name) = &filter.room_name {
        let names = room_names::names(name, None);
        if names.len() > 1
            && let Some(known) =
                room_names::known(&app, names.iter().map(String::as_str), &Claim::Any).await?
        {
            filter.room_name = Some(known.to_owned());
        }
    }
    let page = app.store.page(&filter).await?;
    Ok(Json(CallPageView::new(&page)).into_response())
}

fn filter(query: ListQuery) -> Result<CallFilter, Problem> {
    Ok(CallFilter {
        room_name: query.room_name,
        status: one_of("status", query.status, &Status::ALL, Status::as_str)?,
        delivery: one_of(
            "delivery",
            query.delivery,
            &DeliveryState::OUTSTANDING,
            DeliveryState::as_str,
        )?,
        limit: query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
        cursor: cursor(query.cursor)?,
    })
}

/// A cursor that no page had would silently begin the list again.
fn cursor(cursor: Option<String>) -> Result<Option<String>, Problem> {
    match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) if !store::is_cursor(&cursor) => Err(Problem::bad_request(
            "`cursor` must be the `next_cursor` of another page",
        )),
        cursor => Ok(cursor),
    }
}

fn one_of<T: Copy>(
    name: &str,
    value: Option<String>,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let parsed = value.map(|value| by_name(all, as_str, &value)).transpose();
    parsed.map_err(|_| {
        let known: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        Problem::bad_request(format!("`{name}` must be one of {}", known.join(", ")))
    })
}

/// Shows a call
///
/// With its recordings, participants and deliveries, every attempt with its outcome, and what happens next. Takes
/// API_TOKEN, or a token with the scope `read`.
#[utoipa::path(
    get, path = "/v1/calls/{call_id}", operation_id = "get_call", tag = "calls",
    params(("call_id" = String, Path, description = "The room's sid", example = "RM_xyfMBrg6gETE")),
    responses((status = 200, description = "The call", body = CallDetailView), NotFound, ReaderRefusals, AnyRefusal),
    security(("api_token" = ["read"])),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    call_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Read)?;
    let Path(call_id) = call_id?;
    let CallRow { mut call, .. } = find(&app, &call_id).await?;
    // What is shown of the reports is small; while they are parsed, others wait for the memory.
    let in_memory = app.store.load_reports(&mut call).await?;
    let deliveries = app.store.deliveries_of(&call.id).await?;
    let waits = app.waits(&call, &deliveries).await?;
    let view =
        in_memory.work(|| CallDetailView::new(&call, &deliveries, app.prices.as_deref(), &waits));
    Ok(Json(view).into_response())
}

/// The call with this id; 404 when there is none.
pub(super) async fn find(app: &App, call_id: &str) -> Result<CallRow, Problem> {
    let row = app.store.call(call_id).await?;
    row.ok_or_else(|| Problem::not_found("this call does not exist"))
}
