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

use super::{App, auth, error::Problem, room_names};
use crate::{
    domain::{Claim, Scope, Status, by_name},
    store::{CallFilter, CallRow, DeliveryState},
    view::{CallDetailView, CallPageView},
};

/// Calls of a page without `limit`.
const DEFAULT_LIMIT: i64 = 50;
/// The most calls of a page.
const MAX_LIMIT: i64 = 500;
/// The query of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListQuery {
    room_name: Option<String>,
    status: Option<String>,
    delivery: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// `GET /v1/calls`
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
        cursor: query.cursor,
    })
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

/// `GET /v1/calls/{call_id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    call_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Read)?;
    let Path(call_id) = call_id?;
    let CallRow { mut call, .. } = find(&app, &call_id).await?;
    // What is shown of the reports is small; while they are parsed, others wait for the memory.
    let _in_memory = app.store.load_reports(&mut call).await?;
    let deliveries = app.store.deliveries_of(&call.id).await?;
    let view = CallDetailView::new(&call, &deliveries, (app.clock)());
    Ok(Json(view).into_response())
}

/// The call with this id; 404 when there is none.
pub(super) async fn find(app: &App, call_id: &str) -> Result<CallRow, Problem> {
    let row = app.store.call(call_id).await?;
    row.ok_or_else(|| Problem::not_found("this call does not exist"))
}
