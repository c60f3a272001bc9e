//! `POST /observability/recordings/v0`: a session's transcript, its summary and the agent's own recording.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::{
    keep::keep,
    parts::Parts,
    received_body::{Onward, ReceivedBody},
    refusal::{stopping, without_rest},
    uploader::uploader,
};
use crate::{
    http::{
        App,
        error::Problem,
        openapi::{SessionUpload, UploadRefusals},
        refusals::{self, Logged},
    },
    store::{InboxMessage, MessageKind},
};

/// How long an upload waits for others.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes an agent's session
///
/// The agents SDK uploads a session by itself when it ends, to `LIVEKIT_OBSERVABILITY_URL`: with `record={"transcript": True}` the
/// conversation and a summary, with `audio` also the agent's own stereo recording. Takes a LiveKit token of the agent with
/// `observability.write`. 200 once it is on disk. The transcript has at most 16 MiB, the audio AGENT_AUDIO_SIZE. Of a part that
/// cannot be used, the answer is a refusal, and the others are stored. A refusal that may pass is a `google.rpc.Status` with
/// `RetryInfo`, which the SDK retries.
#[utoipa::path(
    post, path = "/observability/recordings/v0", operation_id = "upload_session", tag = "agents",
    request_body(
        content = SessionUpload, content_type = "multipart/form-data",
        description = "The parts `header` (MetricsRecordingHeader as protobuf), `chat_history` (JSON) and `audio` (Ogg), in any order",
    ),
    responses((status = 200, description = "It is on disk"), UploadRefusals),
    security(("livekit_token" = ["observability.write"])),
)]
pub(in crate::http) async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut room = String::new();
    match take(&app, request, &mut room).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => {
            refusals::note_upload(&app.refusal_log, &problem, &room);
            let mut response = problem.into_response();
            response.extensions_mut().insert(Logged);
            response
        }
    }
}

/// Receives an upload and stores it; notes the room that it names.
async fn take(app: &App, request: Request, room: &mut String) -> Result<(), Problem> {
    let signer = uploader(app, request.headers())?;
    let turn = tokio::select! {
        turn = timeout(TURN_TIMEOUT, app.uploads.turns.acquire()) => turn,
        problem = stopping(app) => return Err(problem),
    };
    let busy = || Problem::unavailable("too many uploads at once; send this one again");
    let _turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    check_room(app).await?;
    let message = InboxMessage::new(MessageKind::Report, Vec::new(), (app.clock)());
    let onward = Onward::new(app, &request, &signer);
    let (head, body) = request.into_parts();
    let body = ReceivedBody::new(body, onward.as_ref(), &message.id);
    let parts = Parts::receive(app, &head.headers, &body, &message.id).await?;
    let failure = parts.failure.clone();
    if let Some(failure) = failure.clone().filter(|_| !parts.has_words()) {
        return Err(failure);
    }
    let refused = keep(app, parts, message.signed(signer), room).await?;
    if let Some(failure) = failure {
        return Err(without_rest(&failure));
    }
    if let Some(onward) = onward {
        onward.send(body).await;
    }
    refused.problem().map_or(Ok(()), Err)
}

/// Refuses an upload before it is received if it could not be stored.
async fn check_room(app: &App) -> Result<(), Problem> {
    if !app.store.has_room_for(0) {
        return Err(Problem::disk_full());
    }
    let writable = app.writable.check(&app.store, (app.clock)()).await;
    writable.map_err(|_| {
        Problem::unavailable("the database is not available; nothing was stored, send it again")
    })
}
