//! `/healthz` and `/readyz`: is the service alive, and can it work.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{App, auth, budget};
use crate::pipeline::JobState;

/// `GET /healthz`: 200 as long as the process serves requests.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 503 when the store is not writable or a job has died; other failures are in the details only. The
/// details are for this machine and for API_TOKEN.
pub(super) async fn readyz(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let store = app.writable.check(&app.store, (app.clock)()).await;
    let jobs = app.status.all();
    let ready = store.is_ok() && !jobs.values().any(|state| *state == JobState::Dead);
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    if !is_local(peer, &headers) && auth::reader(&app, &headers).is_err() {
        return (status, Json(json!({ "ready": ready }))).into_response();
    }
    let jobs: Map<String, Value> = jobs
        .into_iter()
        .map(|(name, state)| (name.to_owned(), job(state)))
        .collect();
    let writable = match &store {
        Ok(()) => "writable".to_owned(),
        Err(error) => format!("not writable: {error}"),
    };
    let mut body = json!({ "ready": ready, "store": writable, "jobs": jobs });
    // A database that does not answer would be waited for once more.
    if store.is_ok()
        && let Ok((airtable, paused)) = budget::details(&app).await
    {
        body["airtable"] = airtable;
        body["paused"] = paused.into();
    }
    (status, Json(body)).into_response()
}

/// Whether the request comes from this machine, and not from a proxy on it for somebody else.
fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    peer.ip().to_canonical().is_loopback()
        && !forwarded.iter().any(|name| headers.contains_key(*name))
}

fn job(state: JobState) -> Value {
    match state {
        JobState::Running => json!("running"),
        JobState::Standby => json!("running in another process"),
        JobState::Unleased => json!("no process runs it: no lease can be renewed"),
        JobState::Failing(error) => json!({ "failing": error }),
        JobState::Dead => json!("dead"),
    }
}
