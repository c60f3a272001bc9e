//! `/healthz` and `/readyz`: is the service alive, and can it work.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{App, auth, budget};
use crate::{domain::Scope, pipeline::JobState};

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
    if !is_local(peer, &headers) && auth::reader(&app, &headers, Scope::Read).is_err() {
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
        && let Ok(_place) = app.admission.watch()
        && let Ok((airtable, paused)) = budget::details(&app).await
    {
        body["airtable"] = airtable;
        body["paused"] = paused.into();
    }
    (status, Json(body)).into_response()
}

/// What proxies add to a request.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Whether the request comes from this machine, and not from a proxy on it for somebody else. A proxy that adds nothing may
/// still keep the host that was asked for.
fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let is_added = |name: &str| name.starts_with("x-forwarded") || FORWARDED.contains(&name);
    let hosts = headers.get_all(header::HOST);
    peer.ip().to_canonical().is_loopback()
        && !headers.keys().any(|name| is_added(name.as_str()))
        && hosts
            .iter()
            .all(|host| host.to_str().is_ok_and(is_this_machine))
}

/// `localhost:8080`, `127.0.0.1`, `[::1]:8080`
fn is_this_machine(host: &str) -> bool {
    let host: Option<Authority> = host.parse().ok();
    let host = host.as_ref().map_or("", Authority::host);
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
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
