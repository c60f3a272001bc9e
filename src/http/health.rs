//! `/healthz` and `/readyz`: is the service alive, and can it work.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    App, auth,
    budget::{self, AirtableBudget, PausedSink},
    error::ProblemBody,
    local::is_local,
    openapi::AnyRefusal,
    refused_tokens::RefusedTokens,
};
use crate::{domain::Scope, pipeline::JobState};

/// Whether the service works. Without a token, and from elsewhere, only `ready`.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Of the base; missing when the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    airtable: Option<AirtableBudget>,
    /// The state of each job by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<BTreeMap<&'static str, JobHealth>>,
    /// The paused sinks by name; missing when the database does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<BTreeMap<&'static str, PausedSink>>,
    /// The database can be written, and no job has died.
    ready: bool,
    /// The tokens that were refused since the start of this process, by route and reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Vec<RefusedTokens>>,
    /// `writable`, or why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
}

/// The state of a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum JobHealth {
    /// Its last step failed; it retries.
    Failing {
        /// Why.
        failing: String,
    },
    /// `running`, `running in another process`, `dead`, or that no process runs it.
    Other(&'static str),
}

/// Whether the process serves requests
///
/// Always 200 with the text `ok`.
#[utoipa::path(
    get, path = "/healthz", operation_id = "get_liveness", tag = "monitoring",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain"), AnyRefusal),
    security(()),
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the service works
///
/// 503 when the database cannot be written or a job has died; other failures are in the details only. The details are for
/// requests from the service's own machine, and for tokens with the scope `read`.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "monitoring",
    responses(
        AnyRefusal,
        (status = 200, description = "It works", body = Readiness),
        (status = 503, description = "It does not work", content(
            (Readiness = "application/json"),
            (ProblemBody = "application/problem+json"),
        )),
    ),
    security((), ("api_token" = ["read"])),
)]
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
        let body = Readiness {
            ready,
            ..Readiness::default()
        };
        return (status, Json(body)).into_response();
    }
    let jobs = jobs.into_iter().map(|(name, state)| (name, job(state)));
    let writable = match &store {
        Ok(()) => "writable".to_owned(),
        Err(error) => format!("not writable: {error}"),
    };
    let mut body = Readiness {
        ready,
        store: Some(writable),
        jobs: Some(jobs.collect()),
        refused: Some(app.refused_tokens.all()),
        ..Readiness::default()
    };
    // A database that does not answer would be waited for once more.
    if store.is_ok()
        && let Ok(_place) = app.admission.watch()
        && let Ok((airtable, paused)) = budget::details(&app).await
    {
        body.airtable = Some(airtable);
        body.paused = Some(paused);
    }
    (status, Json(body)).into_response()
}

fn job(state: JobState) -> JobHealth {
    match state {
        JobState::Running => JobHealth::Other("running"),
        JobState::Standby => JobHealth::Other("running in another process"),
        JobState::Unleased => JobHealth::Other("no process runs it: no lease can be renewed"),
        JobState::Failing(error) => JobHealth::Failing { failing: error },
        JobState::Dead => JobHealth::Other("dead"),
    }
}
