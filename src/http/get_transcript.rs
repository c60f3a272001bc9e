//! `GET /v1/calls/{call_id}/transcript`: as JSON, plain text, WebVTT or SubRip captions.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};

use super::{
    App, auth, calls,
    error::Problem,
    openapi::{AnyRefusal, NotFound, ReaderRefusals},
    pieces::Pieces,
    transcript_format::{TranscriptFile, TranscriptFormat},
};
use crate::{
    domain::{Call, Scope},
    store::CallRow,
    view::{CallTranscriptView, captions, subrip},
};

/// Reads a transcript
///
/// As JSON, plain text, WebVTT or SubRip captions, whichever the header `Accept` names; by default as JSON. Takes API_TOKEN, or a
/// token with the scope `words`.
#[utoipa::path(
    get, path = "/v1/calls/{call_id}/transcript", operation_id = "get_transcript", tag = "calls",
    params(("call_id" = String, Path, description = "The room's sid", example = "RM_xyfMBrg6gETE")),
    responses(
        (status = 200, description = "The transcript", content(
            (CallTranscriptView = "application/json"),
            (String = "text/plain"),
            (String = "text/vtt"),
            (String = "application/x-subrip"),
        )),
        NotFound, ReaderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["words"])),
)]
pub(super) async fn negotiated(
    State(app): State<Arc<App>>,
    call_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Words)?;
    let Path(call_id) = call_id?;
    transcript(&app, &call_id, TranscriptFormat::accepted(&headers)).await
}

/// Reads a transcript as a file
///
/// The same with the format in the address. Takes API_TOKEN, or a token with the scope `words`.
#[utoipa::path(
    get, path = "/v1/calls/{call_id}/{file}", operation_id = "get_transcript_file", tag = "calls",
    params(
        ("call_id" = String, Path, description = "The room's sid", example = "RM_xyfMBrg6gETE"),
        ("file" = TranscriptFile, Path, description = "The file", example = "transcript.txt"),
    ),
    responses(
        (status = 200, description = "The transcript", content(
            (CallTranscriptView = "application/json"),
            (String = "text/plain"),
            (String = "text/vtt"),
            (String = "application/x-subrip"),
        )),
        NotFound, ReaderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["words"])),
)]
pub(super) async fn file(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, TranscriptFile)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Words)?;
    let Path((call_id, file)) = path?;
    transcript(&app, &call_id, file.into()).await
}

async fn transcript(
    app: &App,
    call_id: &str,
    format: TranscriptFormat,
) -> Result<Response, Problem> {
    let CallRow { mut call, .. } = calls::find(app, call_id).await?;
    let place = app.answer_place(&call.id).await?;
    let in_memory = app.store.load_reports(&mut call).await?;
    let body = in_memory.work(|| body(&call, format))?;
    Ok(body.response(format.content_type(), place))
}

fn body(call: &Call, format: TranscriptFormat) -> Result<Pieces, Problem> {
    let transcript = call.transcript().ok_or_else(|| {
        Problem::not_found(match call.is_purged() {
            true => "this call's transcript was purged (KEEP); its Airtable row has it",
            false => "this call has no transcript",
        })
    })?;
    Ok(match format {
        TranscriptFormat::Json => {
            let timeline = call.timeline();
            Pieces::of_json(&CallTranscriptView::new(call, &timeline, &transcript))
        }
        TranscriptFormat::Text => Pieces::of_text(transcript.text()),
        TranscriptFormat::Vtt => Pieces::of_text(captions(call, &transcript)),
        TranscriptFormat::Srt => Pieces::of_text(subrip(call, &transcript)),
    })
}
