//! For those who run the service: is it alive, can it work, what has it done.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::{sync::Mutex, time::Instant};

use super::{App, auth, budget, error::Problem};
use crate::{pipeline::JobState, store::Store};

/// How long the proof that the store can be written is good for: anybody may ask, and each proof is a write.
const PROVEN: Duration = Duration::from_secs(1);

/// Whether the store can be written, or why not; asked at most once a second for all who ask.
#[derive(Default)]
pub struct Writable(Mutex<Option<(Instant, Result<(), String>)>>);

impl Writable {
    /// Who asks while it is being proved gets that answer.
    async fn ask(&self, store: &Store, now: Timestamp) -> Result<(), String> {
        let mut proof = self.0.lock().await;
        let fresh = proof.as_ref().filter(|(at, _)| at.elapsed() < PROVEN);
        if let Some((_, known)) = fresh {
            return known.clone();
        }
        let checked = store.check(now).await.map_err(|error| error.reason());
        *proof = Some((Instant::now(), checked.clone()));
        checked
    }
}

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Red when the store cannot be written or a job has died; what is away besides is in the details.
pub async fn readyz(State(app): State<Arc<App>>) -> Response {
    let store = app.writable.ask(&app.store, (app.clock)()).await;
    let jobs = app.status.all();
    let dead = jobs.values().any(|state| *state == JobState::Dead);
    let describe = |state: &JobState| match state {
        JobState::Running => json!("running"),
        JobState::Elsewhere => json!("another process runs it"),
        JobState::Unleased => json!("nobody runs it: the database gives no lease"),
        JobState::Failing(error) => json!({ "failing": error }),
        JobState::Dead => json!("dead"),
    };
    let jobs: Map<String, Value> = jobs
        .iter()
        .map(|(name, state)| ((*name).to_owned(), describe(state)))
        .collect();
    let ready = store.is_ok() && !dead;
    let told = match &store {
        Ok(()) => "writable".to_owned(),
        Err(error) => format!("cannot be written: {}", error),
    };
    let mut body = json!({ "ready": ready, "store": told, "jobs": jobs });
    // A database that is away would be waited for once more.
    if store.is_ok()
        && let Ok((airtable, closed)) = budget::details(&app).await
    {
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
    text += &silence(&app, now).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}

/// What is missing: recordings, webhooks, events that are read, jobs that work.
async fn silence(app: &App, now: Timestamp) -> Result<String, Problem> {
    let gauge = |name: &str, value: i64| {
        let name = format!("livekit_airtable_{name}");
        format!("# TYPE {name} gauge\n{name} {value}\n")
    };
    let age = |since: Option<Timestamp>| since.map(|at| now.duration_since(at).as_secs().max(0));
    let unrecorded = app.store.unrecorded(now - SignedDuration::from_secs(60));
    let mut text = gauge("calls_unrecorded", unrecorded.await?.len() as i64);
    let failed = app.store.failed_in_a_row(app.keys.ours()).await?;
    text += &gauge("recordings_failed_in_a_row", failed.len() as i64);
    let last = app.store.webhook_gap().await?.last_webhook_at;
    text += &age(last).map_or_else(String::new, |age| gauge("last_webhook_seconds", age));
    let (unprocessed, since) = app.store.unprocessed_count(now).await?;
    text += &gauge("inbox_unread", unprocessed);
    text += &gauge("inbox_oldest_seconds", age(since).unwrap_or(0));
    let waiting = app.store.waiting(now, now).await?;
    let oldest = waiting.iter().map(|stuck| stuck.oldest_created_at).min();
    text += &gauge("oldest_waiting_seconds", age(oldest).unwrap_or(0));
    text += &jobs(app);
    Ok(text)
}

/// Summed over all replicas, `_job_runs` is 1 for each job: 0 means that nobody does it.
fn jobs(app: &App) -> String {
    let mut text = String::from("# TYPE livekit_airtable_job_works gauge\n");
    let states = app.status.all();
    for (job, state) in &states {
        let works = matches!(state, JobState::Running | JobState::Elsewhere);
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
