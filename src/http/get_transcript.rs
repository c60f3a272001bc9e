//! `GET /v1/calls/{call_id}/transcript`: as JSON, plain text or WebVTT captions.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, header},
    response::Response,
};

use super::{App, auth, calls, error::Problem, pieces::Pieces};
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

impl TranscriptFormat {
    /// The suffix decides; without one the header `Accept`.
    fn of(name: &str, headers: &HeaderMap) -> Result<TranscriptFormat, Problem> {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let accept = accept.unwrap_or("");
        match name {
            "transcript" if accept.contains("text/vtt") => Ok(TranscriptFormat::Vtt),
            "transcript" if accept.contains("text/plain") => Ok(TranscriptFormat::Text),
            "transcript" | "transcript.json" => Ok(TranscriptFormat::Json),
            "transcript.txt" => Ok(TranscriptFormat::Text),
            "transcript.vtt" => Ok(TranscriptFormat::Vtt),
            _ => Err(Problem::not_found("this address does not exist")),
        }
    }
}

/// `GET /v1/calls/{call_id}/transcript`, with a suffix or without.
pub(super) async fn transcript(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Words)?;
    let Path((call_id, name)) = path?;
    let format = TranscriptFormat::of(&name, &headers)?;
    let CallRow { mut call, .. } = calls::find(&app, &call_id).await?;
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
