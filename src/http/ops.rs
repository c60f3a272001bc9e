//! For those who run the service: is it alive, can it work, what has it done.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{App, auth, budget, error::Problem};
use crate::pipeline::JobState;

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Red when the store cannot be written or a job has died; what is away besides is in the details.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    let store = app.store.check((app.clock)()).await;
    let jobs = app.status.all();
    let dead = jobs.values().any(|state| *state == JobState::Dead);
    let describe = |state: &JobState| match state {
        JobState::Running => json!("running"),
        JobState::Failing(error) => json!({ "failing": error }),
        JobState::Dead => json!("dead"),
    };
    let jobs: Map<String, Value> = jobs
        .iter()
        .map(|(name, state)| ((*name).to_owned(), describe(state)))
        .collect();
    let ready = store.is_ok() && !dead;
    let mut body = json!({
        "ready": ready,
        "store": if store.is_ok() { "writable" } else { "cannot be written" },
        "jobs": jobs,
    });
    if let Ok((airtable, closed)) = budget::details(&app).await {
        body["airtable"] = airtable;
        body["closed"] = closed.into();
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}

/// Counters and latencies from the code, depths from the store.
pub async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    auth::reader(&app, &headers)?;
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
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}
