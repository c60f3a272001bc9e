//! `GET /v1/calls/{call_id}/transcript`: as JSON, plain text or WebVTT captions.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, header},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    App, auth, calls,
    error::Problem,
    openapi::{AnyRefusal, NotFound, ReaderRefusals},
    pieces::Pieces,
};

use crate::{
    domain::Scope,
    store::CallRow,
    view::{CallTranscriptView, captions},
};

/// How a transcript is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TranscriptFormat {
    Json,
    Text,
    Vtt,
}

/// The files of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum TranscriptFile {
    /// As JSON.
    #[serde(rename = "transcript.json")]
    Json,
    /// As plain text.
    #[serde(rename = "transcript.txt")]
    Text,
    /// As WebVTT captions.
    #[serde(rename = "transcript.vtt")]
    Vtt,
}

impl TranscriptFormat {
    /// The format that the client prefers.
    fn accepted(headers: &HeaderMap) -> TranscriptFormat {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let accept = accept.unwrap_or("");
        match accept {
            vtt if vtt.contains("text/vtt") => TranscriptFormat::Vtt,
            text if text.contains("text/plain") => TranscriptFormat::Text,
            _ => TranscriptFormat::Json,
        }
    }
}

impl From<TranscriptFile> for TranscriptFormat {
    fn from(file: TranscriptFile) -> TranscriptFormat {
        match file {
            TranscriptFile::Json => TranscriptFormat::Json,
            TranscriptFile::Text => TranscriptFormat::Text,
            TranscriptFile::Vtt => TranscriptFormat::Vtt,
        }
    }
}

/// Reads a transcript
///
/// As JSON, plain text or WebVTT captions, whichever the header `Accept` names; by default as JSON. Takes API_TOKEN, or a
/// token with the scope `words`.
#[utoipa::path(
    get, path = "/v1/calls/{call_id}/transcript", operation_id = "get_transcript", tag = "calls",
    params(("call_id" = String, Path, description = "The room's sid", example = "RM_xyfMBrg6gETE")),
    responses(
        (status = 200, description = "The transcript", content(
            (CallTranscriptView = "application/json"),
            (String = "text/plain"),
            (String = "text/vtt"),
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
    let in_memory = app.store.load_reports(&mut call).await?;
    let place = match in_memory.is_large() {
        true => Some(app.admission.large_answer().await?),
        false => None,
    };
    let transcript = call.transcript().ok_or_else(|| {
        Problem::not_found(match call.is_purged() {
            true => "this call's transcript was purged (KEEP); its Airtable row has it",
            false => "this call has no transcript",
        })
    })?;
    let (content_type, body) = match format {
        TranscriptFormat::Json => (
            "application/json",
            Pieces::of_json(&CallTranscriptView::new(&call, &transcript)),
        ),
        TranscriptFormat::Text => (
            "text/plain; charset=utf-8",
            Pieces::of_text(transcript.text()),
        ),
        TranscriptFormat::Vtt => (
            "text/vtt; charset=utf-8",
            Pieces::of_text(captions(&call, &transcript)),
        ),
    };
    Ok(body.response(content_type, place))
}
