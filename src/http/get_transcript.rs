//! `GET /v1/calls/{call_id}/transcript`: as JSON, plain text, WebVTT or SubRip captions.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};

use super::{
    App, auth, calls, error::Problem, pieces::Pieces, transcript_format::TranscriptFormat,
};
use crate::{
    domain::Scope,
    store::CallRow,
    view::{CallTranscriptView, captions, subrip},
};

/// `GET /v1/calls/{call_id}/transcript`, with a suffix or without.
pub(super) async fn transcript(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::reader(&app, &headers, Scope::Words)?;
    let Path((call_id, name)) = path?;
    let format = TranscriptFormat::of(&name, &headers);
    let format = format.ok_or_else(|| Problem::not_found("this address does not exist"))?;
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
    let body = match format {
        TranscriptFormat::Json => {
            let timeline = call.timeline();
            Pieces::of_json(&CallTranscriptView::new(&call, &timeline, &transcript))
        }
        TranscriptFormat::Text => Pieces::of_text(transcript.text()),
        TranscriptFormat::Vtt => Pieces::of_text(captions(&call, &transcript)),
        TranscriptFormat::Srt => Pieces::of_text(subrip(&call, &transcript)),
    };
    Ok(body.response(format.content_type(), place))
}
