//! `GET /v1/calls/{call_id}/transcript`: as JSON, plain text or WebVTT captions.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{App, auth, calls, error::Problem};
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
    let CallRow { call, .. } = calls::find(&app, &call_id).await?;
    let transcript = call.transcript().ok_or_else(|| {
        Problem::not_found(match call.purged {
            true => "this call's transcript was purged (KEEP); its Airtable row has it",
            false => "this call has no transcript",
        })
    })?;
    Ok(match format {
        TranscriptFormat::Json => Json(CallTranscriptView::new(&call, &transcript)).into_response(),
        TranscriptFormat::Text => with_type("text/plain; charset=utf-8", transcript.text()),
        TranscriptFormat::Vtt => with_type("text/vtt; charset=utf-8", captions(&call, &transcript)),
    })
}

fn with_type(content_type: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
