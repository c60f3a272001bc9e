//! `/metrics`: Prometheus.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    App, auth, budget,
    error::Problem,
    openapi::{AnyRefusal, ReaderRefusals},
};
use crate::{
    domain::{Scope, UNRECORDED_AFTER},
    pipeline::JobState,
};

/// Metrics for Prometheus
///
/// Counters of this process, and gauges read from the database. Takes API_TOKEN, or a token with the scope `metrics`.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "monitoring",
    responses(
        (status = 200, description = "In Prometheus' text format", body = String, content_type = "text/plain"),
        ReaderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["metrics"])),
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Metrics)?;
    let _place = app.admission.watch()?;
    let now = (app.clock)();
    let mut text = app.metrics.render();
    text += "# TYPE livekit_airtable_calls gauge\n";
    for (status, count) in app.store.count_calls().await? {
        text += &format!("livekit_airtable_calls{{status=\"{status}\"}} {count}\n");
    }
    let depths = app.store.depths().await?;
    text += "# TYPE livekit_airtable_deliveries gauge\n";
    for depth in &depths {
        let labels = format!("sink=\"{}\",state=\"{}\"", depth.sink, depth.state);
        text += &format!("livekit_airtable_deliveries{{{labels}}} {}\n", depth.count);
    }
    text += "# TYPE livekit_airtable_delivery_oldest_seconds gauge\n";
    for depth in &depths {
        let labels = format!("sink=\"{}\",state=\"{}\"", depth.sink, depth.state);
        let age = now.duration_since(depth.oldest_created_at).as_secs().max(0);
        text += &format!("livekit_airtable_delivery_oldest_seconds{{{labels}}} {age}\n");
    }
    text += &budget::metrics(&app).await?;
    text += &missing(&app, now).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}

/// Gauges of what is missing: recordings, webhooks, processed inbox messages, running jobs.
async fn missing(app: &App, now: Timestamp) -> Result<String, Problem> {
    let gauge = |name: &str, value: i64| {
        let name = format!("livekit_airtable_{name}");
        format!("# TYPE {name} gauge\n{name} {value}\n")
    };
    let age = |since: Option<Timestamp>| since.map(|at| now.duration_since(at).as_secs().max(0));
    let unrecorded = app.store.unrecorded(now - UNRECORDED_AFTER);
    let mut text = gauge("calls_unrecorded", unrecorded.await?.len() as i64);
    let failed = app.store.failed_in_a_row(app.keys.ours()).await?;
    text += &gauge("recordings_failed_in_a_row", failed.len() as i64);
    let last = app.store.webhook_gap().await?.last_webhook_at;
    text += &age(last).map_or_else(String::new, |age| gauge("last_webhook_seconds", age));
    let inbox = app.store.unprocessed_count(now).await?;
    text += &gauge("inbox_unread", inbox.count);
    text += &gauge("inbox_oldest_seconds", age(inbox.due_since).unwrap_or(0));
    let waiting = app.store.waiting(now, now).await?;
    let oldest = waiting.iter().map(|stuck| stuck.oldest_created_at).min();
    let spooled = i64::try_from(app.uploads.spool.bytes()).unwrap_or(i64::MAX);
    text += &gauge("agent_audio_bytes", spooled);
    text += &gauge("oldest_waiting_seconds", age(oldest).unwrap_or(0));
    text += &jobs(app);
    Ok(text)
}

/// Summed over all replicas, `_job_runs` is 1 for each job, or the number of replicas for one that each of them runs; 0
/// means that no process runs it.
fn jobs(app: &App) -> String {
    let mut text = String::from("# TYPE livekit_airtable_job_works gauge\n");
    let states = app.status.all();
    for (job, state) in &states {
        let works = matches!(state, JobState::Running | JobState::Standby);
        let works = i64::from(works);
        text += &format!("livekit_airtable_job_works{{job=\"{job}\"}} {works}\n");
    }
    text += "# TYPE livekit_airtable_job_runs gauge\n";
    for (job, state) in &states {
        let runs = i64::from(matches!(state, JobState::Running | JobState::Failing(_)));
        text += &format!("livekit_airtable_job_runs{{job=\"{job}\"}} {runs}\n");
    }
    text
}
