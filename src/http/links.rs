//! `/r/…`: permanent links of recordings and long transcripts, redirected to a fresh presigned URL.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{App, error::Problem};
use crate::{
    domain::{Recording, link::Linked},
    storage::{self, Object},
};

/// The least life of a URL: a paused player can go on.
const LIFE: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    download: Option<String>,
}

/// How, for whose link, and with which signature.
type Asked = (
    Method,
    Result<Path<(String, String)>, PathRejection>,
    Result<Query<Wanted>, QueryRejection>,
);

/// `/r/{egress_id}/{signature}`
pub async fn recording(State(app): State<Arc<App>>, headers: HeaderMap, asked: Asked) -> Response {
    let led = lead_to_recording(&app, asked).await;
    led.unwrap_or_else(|problem| problem.shown_to(&headers))
}

/// `/r/{call_id}/transcript/{signature}`
pub async fn transcript(State(app): State<Arc<App>>, headers: HeaderMap, asked: Asked) -> Response {
    let led = lead_to_transcript(&app, asked).await;
    led.unwrap_or_else(|problem| problem.shown_to(&headers))
}

async fn lead_to_recording(app: &App, (method, path, wanted): Asked) -> Result<Response, Problem> {
    let (Path((egress_id, signature)), Query(wanted)) = (path?, wanted?);
    let unknown = || Problem::not_found("there is no such recording");
    if !app.links.verify(Linked::Recording(&egress_id), &signature) {
        return Err(unknown());
    }
    let row = app.store.call_of_egress(&egress_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    let recording = call.recordings.get(&egress_id).ok_or_else(unknown)?;
    let file = File {
        key: &recording.key,
        what: "recording",
        life: life(recording),
    };
    lead(app, file, method, wanted).await
}

async fn lead_to_transcript(app: &App, (method, path, wanted): Asked) -> Result<Response, Problem> {
    let (Path((call_id, signature)), Query(wanted)) = (path?, wanted?);
    let unknown = || Problem::not_found("there is no such transcript");
    if !app.links.verify(Linked::Transcript(&call_id), &signature) {
        return Err(unknown());
    }
    let row = app.store.call(&call_id).await?;
    let key = row
        .and_then(|row| row.call.transcript_file)
        .ok_or_else(unknown)?;
    let file = File {
        key: &key,
        what: "transcript",
        life: LIFE,
    };
    lead(app, file, method, wanted).await
}

/// What a link leads to.
struct File<'a> {
    key: &'a str,
    /// For people.
    what: &'static str,
    life: Duration,
}

/// To a fresh URL of an object that is there.
async fn lead(
    app: &App,
    file: File<'_>,
    method: Method,
    wanted: Wanted,
) -> Result<Response, Problem> {
    match app.storage.head(file.key).await {
        Ok(Object::Found { .. }) => {}
        Ok(Object::Missing) => {
            let gone = format!("the {} is not in the bucket any more", file.what);
            return Err(Problem::new(StatusCode::GONE, gone));
        }
        // On AWS a missing object may look like that, and so does a key that was revoked.
        Err(error @ storage::Error::Forbidden) => {
            tracing::warn!(%error, "a permanent link could not be followed");
            let gone = format!(
                "the {} is not in the bucket any more, or this service may not look into it",
                file.what
            );
            return Err(Problem::new(StatusCode::GONE, gone));
        }
        Err(error) => return Err(away(&error)),
    }
    let name = file.key.rsplit('/').next();
    let name = name.filter(|_| wanted.download.is_some());
    let signed = match method {
        Method::HEAD => storage::Method::Head,
        _ => storage::Method::Get,
    };
    let url = app.storage.presign(file.key, file.life, signed, name);
    let url = url.await.map_err(|error| away(&error))?;
    let headers = [
        (header::LOCATION, url.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Twice the recording's length, at least a quarter of an hour.
fn life(recording: &Recording) -> Duration {
    let length = recording.duration.unwrap_or_default().unsigned_abs();
    (length * 2).clamp(LIFE, LONGEST)
}

fn away(error: &storage::Error) -> Problem {
    tracing::warn!(%error, "a permanent link could not be followed");
    let detail = "the storage does not answer; try again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
