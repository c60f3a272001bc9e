//! `GET /v1/calls`, one call, and its transcript: what the service knows, read from the store.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, auth, describe, error::Problem};
use crate::{
    domain::{Call, Status, transcript::Transcript},
    store::{CallFilter, CallRow},
};

/// Calls of a page, when nobody says.
const PAGE: i64 = 50;
const LARGEST_PAGE: i64 = 500;

#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    room_name: Option<String>,
    status: Option<String>,
    delivery: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

pub async fn list(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    auth::reader(&app, &headers)?;
    let Query(wanted) = wanted?;
    let known = |status: &str| Status::ALL.iter().any(|s| s.as_str() == status);
    if wanted.status.as_deref().is_some_and(|s| !known(s)) {
        return Err(Problem::bad_request(
            "`status` is live, processing, complete, no_recording or failed",
        ));
    }
    let deliveries = ["pending", "parked", "dead"];
    if wanted
        .delivery
        .as_deref()
        .is_some_and(|d| !deliveries.contains(&d))
    {
        return Err(Problem::bad_request(
            "`delivery` is pending, parked or dead",
        ));
    }
    let filter = CallFilter {
        room_name: wanted.room_name,
        status: wanted.status,
        delivery: wanted.delivery,
        limit: wanted.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE),
        cursor: wanted.cursor,
    };
    let page = app.store.page(&filter).await?;
    let calls: Vec<Value> = page
        .calls
        .iter()
        .map(|row| describe::call(&row.call))
        .collect();
    Ok(Json(
        json!({ "calls": calls, "next_cursor": page.next_cursor }),
    ))
}

pub async fn show(
    State(app): State<Arc<App>>,
    call_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    auth::reader(&app, &headers)?;
    let Path(call_id) = call_id?;
    let CallRow { call, .. } = find(&app, &call_id).await?;
    let deliveries = app.store.deliveries_of(&call.id).await?;
    Ok(Json(describe::detail(&call, &deliveries, (app.clock)())))
}

pub async fn transcript(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers)?;
    let Path((call_id, form)) = path?;
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let accept = accept.unwrap_or("");
    let form = match form.as_str() {
        "transcript" if accept.contains("text/vtt") => "vtt",
        "transcript" if accept.contains("text/plain") => "txt",
        "transcript" => "json",
        "transcript.txt" => "txt",
        "transcript.json" => "json",
        "transcript.vtt" => "vtt",
        _ => return Err(Problem::not_found("there is nothing at this address")),
    };
    let CallRow { call, .. } = find(&app, &call_id).await?;
    let report = call.reports.newest();
    let report = report.ok_or_else(|| {
        Problem::not_found(match call.purged {
            true => "this call's transcript is not kept here any more (KEEP); its row has it",
            false => "this call has no transcript",
        })
    })?;
    let transcript = &report.transcript;
    Ok(match form {
        "txt" => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            transcript.text(),
        )
            .into_response(),
        "vtt" => (
            [(header::CONTENT_TYPE, "text/vtt; charset=utf-8")],
            vtt(&call, transcript),
        )
            .into_response(),
        _ => Json(json!({ "call_id": call.id, "transcript": transcript })).into_response(),
    })
}

async fn find(app: &App, call_id: &str) -> Result<CallRow, Problem> {
    let row = app.store.call(call_id).await?;
    row.ok_or_else(|| Problem::not_found("no such call"))
}

/// Captions against the recording's start; a turn lasts until the next one.
fn vtt(call: &Call, transcript: &Transcript) -> String {
    let Transcript::Turns(turns) = transcript else {
        return format!("WEBVTT\n\nNOTE\n{}\n", transcript.text());
    };
    let start = call
        .primary_recording()
        .and_then(|r| r.started_at)
        .or(call.started_at());
    let seconds = |at: Option<jiff::Timestamp>| {
        let since = at?.duration_since(start?);
        Some(since.as_secs_f64().max(0.0))
    };
    let mut text = String::from("WEBVTT\n");
    for (n, turn) in turns.iter().enumerate() {
        let from = seconds(turn.at).unwrap_or(n as f64 * 5.0);
        let next = turns.get(n + 1).and_then(|turn| seconds(turn.at));
        let to = next.filter(|to| *to > from).unwrap_or(from + 5.0);
        let one = Transcript::Turns(vec![turn.clone()]).text();
        let line = one.replace("-->", "→").replace('\n', " ");
        text += &format!("\n{} --> {}\n{line}\n", clock(from), clock(to));
    }
    text
}

fn clock(seconds: f64) -> String {
    let millis = (seconds * 1000.0) as u64;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{:03}",
        millis / 1000 % 60,
        millis % 1000
    )
}
