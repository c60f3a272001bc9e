//! `/r/{egress_id}/{signature}`: the permanent link of a recording, redirected to a fresh presigned URL.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{App, error::Problem};
use crate::{
    domain::Recording,
    storage::{self, Object},
};

/// The least life of a URL: a paused player can go on.
const LIFE: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    download: Option<String>,
}

pub async fn follow(
    State(app): State<Arc<App>>,
    method: Method,
    path: Result<Path<(String, String)>, PathRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let (Path((egress_id, signature)), Query(wanted)) = (path?, wanted?);
    let unknown = || Problem::not_found("there is no such recording");
    if !app.links.verify(&egress_id, &signature) {
        return Err(unknown());
    }
    let row = app.store.call_of_egress(&egress_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    let recording = call.recordings.get(&egress_id).ok_or_else(unknown)?;
    match app.storage.head(&recording.key).await {
        Ok(Object::Found { .. }) => {}
        Ok(Object::Missing) | Err(storage::Error::Forbidden) => {
            return Err(Problem::new(
                StatusCode::GONE,
                "the recording is not in the bucket any more",
            ));
        }
        Err(error) => return Err(away(&error)),
    }
    let name = recording.key.rsplit('/').next();
    let name = name.filter(|_| wanted.download.is_some());
    let signed = match method {
        Method::HEAD => storage::Method::Head,
        _ => storage::Method::Get,
    };
    let url = app
        .storage
        .presign(&recording.key, life(recording), signed, name);
    let url = url.await.map_err(|error| away(&error))?;
    let headers = [
        (header::LOCATION, url.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Twice the recording's length, at least a quarter of an hour.
fn life(recording: &Recording) -> Duration {
    let nanos = recording.duration.unwrap_or(0).unsigned_abs();
    (Duration::from_nanos(nanos) * 2).clamp(LIFE, LONGEST)
}

fn away(error: &storage::Error) -> Problem {
    tracing::warn!(%error, "a recording's link could not be followed");
    let detail = "the storage does not answer; try again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
