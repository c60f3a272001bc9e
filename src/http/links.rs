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
use utoipa::IntoParams;

use super::{
    App,
    error::Problem,
    link_check,
    openapi::{AnyRefusal, LinkRefusals},
    pages::{self, Played},
};
use crate::{
    domain::{PlayPage, Recording, content_type, link::Linked},
    storage::{self, ObjectHead, Served},
};

/// The shortest life of a URL: a player that was paused can resume.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// The longest life of a presigned URL (SigV4).
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The query of a link.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkQuery {
    /// If it is there, the browser saves the file instead of playing it.
    #[param(example = "1")]
    download: Option<String>,
    /// The second that it is played from; what is none is ignored.
    #[param(example = "83")]
    t: Option<String>,
}

impl LinkQuery {
    /// The second that it is played from.
    fn starts_at(&self) -> Option<f64> {
        let seconds = self.t.as_ref().and_then(|t| t.parse::<f64>().ok());
        seconds.filter(|it| (0.0..1e6).contains(it) && self.download.is_none())
    }

    /// The media fragment of the URL (<https://www.w3.org/TR/media-frags/>): browsers play from there.
    fn fragment(&self) -> String {
        let seconds = self.starts_at();
        seconds.map_or_else(String::new, |seconds| format!("#t={seconds}"))
    }
}

/// The method, the id with its signature, and the query.
type LinkRequest = (
    Method,
    Result<Path<(String, String)>, PathRejection>,
    Result<Query<LinkQuery>, QueryRejection>,
);

/// Plays a recording
///
/// The permanent link of a recording: redirects to a fresh URL of the storage, of which each one serves the method it was
/// asked for. With PLAY_PAGE=on, a request that prefers `text/html` gets a page with player and words instead.
#[utoipa::path(
    method(get, head), path = "/r/{egress_id}/{signature}", operation_id = "get_recording", tag = "links",
    params(
        ("egress_id" = String, Path, description = "The recording", example = "EG_tmYfLE7nGqqo"),
        ("signature" = String, Path, description = "The service's signature", example = "1"),
        LinkQuery,
    ),
    responses(
        AnyRefusal, LinkRefusals,
        (status = 200, description = "A page with player and words, with PLAY_PAGE=on and for browsers", body = String, content_type = "text/html"),
        (status = 302, description = "Where the recording is now", headers(
            ("Location" = String, description = "A presigned URL"),
            ("Referrer-Policy" = String, description = "`no-referrer`"),
        )),
    ),
    security(()),
)]
pub(super) async fn recording(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: LinkRequest,
) -> Response {
    let answer = recording_link(&app, &headers, request).await;
    let answer = answer.unwrap_or_else(|problem| problem.for_browser(&headers));
    match app.play_page {
        PlayPage::On => ([(header::VARY, pages::VARY)], answer).into_response(),
        PlayPage::Off => answer,
    }
}

/// Shows a transcript that its row has not in full
///
/// The permanent link of a long transcript, likewise.
#[utoipa::path(
    method(get, head), path = "/r/{call_id}/transcript/{signature}", operation_id = "get_full_transcript", tag = "links",
    params(
        ("call_id" = String, Path, description = "The call", example = "RM_xyfMBrg6gETE"),
        ("signature" = String, Path, description = "The service's signature", example = "1"),
        LinkQuery,
    ),
    responses(
        AnyRefusal, LinkRefusals,
        (status = 302, description = "Where the transcript is now", headers(
            ("Location" = String, description = "A presigned URL"),
            ("Referrer-Policy" = String, description = "`no-referrer`"),
        )),
    ),
    security(()),
)]
pub(super) async fn transcript(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: LinkRequest,
) -> Response {
    let answer = transcript_link(&app, request).await;
    answer.unwrap_or_else(|problem| problem.for_browser(&headers))
}

async fn recording_link(
    app: &App,
    headers: &HeaderMap,
    (method, path, query): LinkRequest,
) -> Result<Response, Problem> {
    let (Path((egress_id, signature)), Query(query)) = (path?, query?);
    let unknown = || Problem::not_found("this recording does not exist");
    let link = app.links.verify(Linked::Recording(&egress_id), &signature);
    let link = link.ok_or_else(unknown)?;
    let row = app.store.call_of_egress(&egress_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    let recording = call
        .recordings
        .get(egress_id.as_str())
        .ok_or_else(unknown)?;
    let since = call.recording_linked_since(recording);
    link_check::check(app, &call, link, since).await?;
    if call.is_contested(recording) {
        let detail = "this recording's file is also claimed by another call and may hold the other conversation";
        return Err(Problem::new(StatusCode::GONE, detail));
    }
    let file = File {
        key: &recording.key,
        what: "recording",
        content_type: content_type(&recording.key),
        life: life(recording),
        fragment: query.fragment(),
    };
    let is_page = app.play_page == PlayPage::On
        && query.download.is_none()
        && pages::wants_page(&method, headers);
    if !is_page {
        return redirect(app, file, method, query).await;
    }
    must_exist(app, &file).await?;
    let played = Played {
        call,
        egress_id: &egress_id,
        signature: &signature,
        link,
        starts_at: query.starts_at(),
    };
    pages::play(app, played).await
}

async fn transcript_link(
    app: &App,
    (method, path, query): LinkRequest,
) -> Result<Response, Problem> {
    let (Path((call_id, signature)), Query(query)) = (path?, query?);
    let unknown = || Problem::not_found("this transcript does not exist");
    let link = app.links.verify(Linked::Transcript(&call_id), &signature);
    let link = link.ok_or_else(unknown)?;
    let row = app.store.call(&call_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    let key = call.transcript_file.as_ref().ok_or_else(unknown)?;
    link_check::check(app, &call, link, call.transcript_linked_since()).await?;
    let file = File {
        key,
        what: "transcript",
        content_type: "text/plain; charset=utf-8",
        life: SHORTEST,
        fragment: String::new(),
    };
    redirect(app, file, method, query).await
}

/// The object that a link leads to.
struct File<'a> {
    key: &'a str,
    /// "recording" or the like, for error messages.
    what: &'static str,
    content_type: &'static str,
    /// Of the URL.
    life: Duration,
    /// Follows the URL; the storage never sees it.
    fragment: String,
}

/// Asks the storage whether the object is there; 410 when it is gone.
async fn must_exist(app: &App, file: &File<'_>) -> Result<(), Problem> {
    match app.storage.head(file.key).await {
        Ok(ObjectHead::Found { .. }) => Ok(()),
        Ok(ObjectHead::Missing) => {
            let gone = format!("the {} is no longer in the bucket", file.what);
            Err(Problem::new(StatusCode::GONE, gone))
        }
        // AWS answers so for a missing object, too, and for a revoked key.
        Err(error @ storage::Error::Forbidden) => {
            tracing::warn!(%error, "permanent link could not be redirected");
            let gone = format!(
                "the {} is no longer in the bucket, or this service may not read it",
                file.what
            );
            Err(Problem::new(StatusCode::GONE, gone))
        }
        Err(error) => Err(unavailable(&error)),
    }
}

/// Redirects to a fresh URL of the object.
async fn redirect(
    app: &App,
    file: File<'_>,
    method: Method,
    query: LinkQuery,
) -> Result<Response, Problem> {
    must_exist(app, &file).await?;
    let name = file.key.rsplit('/').next();
    let served = Served {
        content_type: Some(file.content_type),
        download_name: name.filter(|_| query.download.is_some()),
    };
    let signed = match method {
        Method::HEAD => storage::Method::Head,
        _ => storage::Method::Get,
    };
    let url = app.storage.presign(file.key, file.life, signed, served);
    let url = url.await.map_err(|error| unavailable(&error))? + &file.fragment;
    let headers = [
        (header::LOCATION, url.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Twice the recording's length, at least fifteen minutes.
fn life(recording: &Recording) -> Duration {
    let length = recording.duration.unwrap_or_default().unsigned_abs();
    (length * 2).clamp(SHORTEST, LONGEST)
}

fn unavailable(error: &storage::Error) -> Problem {
    tracing::warn!(%error, "permanent link could not be redirected");
    let detail = "the storage is not available; try again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
