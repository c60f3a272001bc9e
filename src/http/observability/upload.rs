//! `POST /observability/recordings/v0`: a session's transcript, its summary and the agent's own recording.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use tokio::time::timeout;

use super::{
    header::Header,
    parts::{Parts, not_spooled},
    summary::report,
};
use crate::{
    domain::{Signer, transcript::ReportOrigin},
    http::{
        App, auth,
        error::Problem,
        openapi::{SessionUpload, UploadRefusals},
        post_transcript::TRANSCRIPT_BYTES,
        readable,
        report_body::{self, BodyFormat},
        report_message::stored,
        report_room,
    },
    spool::{HeldFile, Incoming},
    store::{InboxMessage, MessageKind},
};

/// How long an upload waits for others.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes an agent's session
///
/// The agents SDK uploads a session by itself when it ends, to `LIVEKIT_OBSERVABILITY_URL`: with `record={"transcript": True}` the
/// conversation and a summary, with `audio` also the agent's own stereo recording. Takes a LiveKit token of the agent with
/// `observability.write`. 200 once it is on disk. The transcript has at most 16 MiB, the audio AGENT_AUDIO_SIZE. A refusal
/// that may pass is a `google.rpc.Status` with `RetryInfo`, which the SDK retries.
#[utoipa::path(
    post, path = "/observability/recordings/v0", operation_id = "upload_session", tag = "agents",
    request_body(
        content = SessionUpload, content_type = "multipart/form-data",
        description = "The parts `header` (MetricsRecordingHeader as protobuf), `chat_history` (JSON) and `audio` (Ogg), in any order",
    ),
    responses((status = 200, description = "It is on disk"), UploadRefusals),
    security(("livekit_token" = ["observability.write"])),
)]
pub(in crate::http) async fn receive(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let signer = auth::uploader(&app, request.headers())?;
    let turn = timeout(TURN_TIMEOUT, app.uploads.turns.acquire()).await;
    let busy = || Problem::unavailable("too many uploads at once; send this one again");
    let _turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    check_room(&app).await?;
    let message = InboxMessage::new(MessageKind::Report, Vec::new(), (app.clock)());
    let parts = Parts::receive(&app, request, &message.id).await?;
    match parts.failure.clone() {
        Some(failure) if !parts.has_words() => return Err(failure),
        _ => {}
    }
    let failure = parts.failure.clone();
    keep(&app, parts, message.signed(signer.clone()), &signer).await?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(StatusCode::OK),
    }
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

/// Stores the upload: the audio as a file that the message names, the rest as a report like any other.
async fn keep(
    app: &App,
    parts: Parts,
    message: InboxMessage,
    signer: &Signer,
) -> Result<(), Problem> {
    let Some(header) = parts.header else {
        return Err(Problem::bad_request("the part `header` is missing"));
    };
    let header = Header::read(&header)?;
    let room = header.room();
    let claim = signer.claim();
    // 403 if the call is another project's.
    report_room::call(app, &room, claim.as_ref()).await?;
    let length = parts.chat.as_ref().map_or(0, Incoming::bytes);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    app.admission
        .charge(&(&signer.key, &header.room_id), length)?;
    if !app.store.has_room_for(length) {
        return Err(Problem::disk_full());
    }
    let parsing = app
        .admission
        .parsing(length.max(header.session_summary.len()))
        .await;
    let chat = match parts.chat {
        Some(chat) => Some(chat.read().await.map_err(not_spooled)?),
        None => None,
    };
    let body = parsing.work(|| read(&header, chat))?;
    let body = stored(body, &room, None, ReportOrigin::Uploaded)?;
    let turn = parsing.end_small();
    let (audio, lost) = match parts.audio {
        Some(audio) => match audio.keep(&message.id, header.audio_started_at()).await {
            Ok(kept) => (Some(kept), None),
            // The words are stored all the same.
            Err(error) => (None, Some(not_spooled(error))),
        },
        None => (None, None),
    };
    let put = app.store.put(InboxMessage {
        body: body.into(),
        ..message
    });
    let put = put.await;
    drop(turn);
    match put {
        Ok(()) => {
            app.wake.intake.notify_one();
            lost.map_or(Ok(()), Err)
        }
        Err(error) => {
            // The sender sends the audio again.
            audio.map(HeldFile::delete);
            Err(Problem::not_stored(error))
        }
    }
}

/// The session as a report.
fn read(header: &Header, chat: Option<Vec<u8>>) -> Result<String, Problem> {
    let chat = chat.map(|chat| readable::text(&HeaderMap::new(), chat.into(), TRANSCRIPT_BYTES));
    let chat = chat.transpose()?;
    let chat = chat.map(|chat| report_body::as_json(chat, BodyFormat::Json));
    if let Some(chat) = &chat {
        report_body::read(chat)?;
    }
    Ok(report(header, chat))
}
