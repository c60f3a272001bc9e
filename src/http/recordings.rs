//! `POST /v1/recordings` and `…/stop`: recordings on request, idempotent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    App,
    audit::Audited,
    auth::{self, Grant},
    error::Problem,
    openapi::{AnyRefusal, BodyRefusals, LiveKitRefusal, NotFound, SenderRefusals},
    wait::wait_for,
};
use crate::{
    domain::{Call, Recording, audit::AuditSubject},
    pipeline::requests::{self, RequestOutcome},
    store,
    view::RequestedRecordingView,
};

/// Bytes of the largest body.
const BODY_BYTES: usize = 1 << 20;
/// How long LiveKit may take before the answer is 202.
const LIVEKIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a temporary refusal may last before the answer is 202.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request to record a room.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StartRecording)]
pub(super) struct StartBody {
    /// LiveKit's name of the room.
    #[schema(min_length = 1, example = "call-1")]
    room_name: String,
    /// Fills `{room_id}` of RECORDING_PATH; by default the room's sid.
    #[schema(example = "AJ_9DgFYEb9pQHm")]
    room_id: Option<String>,
}

/// Starts a recording
///
/// Answers with the running one if the room has one. Takes API_TOKEN, a token with the scope `record`, or a LiveKit token with
/// `roomRecord` for the room.
#[utoipa::path(
    post, path = "/v1/recordings", operation_id = "start_recording", tag = "recordings",
    request_body(content = StartBody, description = "The room, which must be there"),
    responses(
        (status = 200, description = "The room is recorded", body = RequestedRecordingView),
        (status = 202, description = "LiveKit has refused for now, or has not answered yet; the service keeps trying", body = RequestedRecordingView),
        NotFound, BodyRefusals, LiveKitRefusal, SenderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["record"]), ("livekit_token" = ["roomRecord"])),
)]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let bearer = auth::sender(&app, request.headers(), Grant::Record)?;
    if !app.store.has_room_for(0) {
        return Err(Problem::disk_full());
    }
    let body = request.into_body();
    let body = app
        .admission
        .receive(body, BODY_BYTES, "the body may have at most 1 MiB");
    let wanted: StartBody = serde_json::from_slice(&body.await?.bytes)
        .map_err(|_| Problem::bad_request(r#"send {"room_name": …, "room_id"?: …}"#))?;
    if wanted.room_name.is_empty() {
        return Err(Problem::bad_request("`room_name` is empty"));
    }
    bearer.is_for(&wanted.room_name)?;
    let (ours, room) = (app.keys.ours(), &wanted.room_name);
    if let Some((call, recording)) = requests::running(&app.store, ours, room).await? {
        return Ok(recorded(&call, &recording));
    }
    let now = (app.clock)();
    let request = requests::start(&app.store, ours, room, wanted.room_id, now).await?;
    app.wake.intake.notify_one();
    match outcome(&app, || request.outcome(&app.store)).await {
        Some(RequestOutcome::Recorded(found)) => Ok(recorded(&found.0, &found.1)),
        Some(RequestOutcome::NoRoom) => Err(Problem::not_found("LiveKit has no such room")),
        Some(RequestOutcome::Simulated) => Err(simulated()),
        Some(RequestOutcome::Refused(error) | RequestOutcome::NotPermitted(error)) => {
            Err(refused(error))
        }
        Some(RequestOutcome::Retrying(reason)) => {
            Ok(accepted(RequestedRecordingView::pending(room, &reason)))
        }
        None => {
            let reason = request.unanswered(&app.store, &app.status).await;
            Ok(accepted(RequestedRecordingView::pending(room, &reason)))
        }
    }
}

/// The outcome of a request. A temporary refusal is not an outcome before [`RETRY_TIMEOUT`].
async fn outcome<F>(app: &App, ask: impl Fn() -> F) -> Option<RequestOutcome>
where
    F: Future<Output = Result<Option<RequestOutcome>, store::Error>>,
{
    let asked = Instant::now();
    let lasting = || async {
        let outcome = ask().await?;
        let retrying = matches!(outcome, Some(RequestOutcome::Retrying(_)));
        Ok(outcome.filter(|_| !retrying || asked.elapsed() >= RETRY_TIMEOUT))
    };
    wait_for(app, LIVEKIT_TIMEOUT, lasting).await
}

fn accepted(pending: RequestedRecordingView<'_>) -> Response {
    (StatusCode::ACCEPTED, Json(pending)).into_response()
}

fn simulated() -> Problem {
    let detail = "the call is simulated, and RECORD_SIMULATIONS is false";
    Problem::new(StatusCode::CONFLICT, detail)
}

fn refused(error: String) -> Problem {
    Problem::new(StatusCode::BAD_GATEWAY, error)
}

fn recorded(call: &Call, recording: &Recording) -> Response {
    let subject = AuditSubject {
        call_id: Some(call.id.to_string()),
        egress_id: Some(recording.egress_id.to_string()),
        configuration: None,
    };
    let audited = Extension(Audited(subject));
    (audited, Json(RequestedRecordingView::new(call, recording))).into_response()
}

/// Stops a recording
///
/// 200 also if it has already stopped. Takes API_TOKEN, a token with the scope `record`, or a LiveKit token with `roomRecord`
/// for the room.
#[utoipa::path(
    post, path = "/v1/recordings/{egress_id}/stop", operation_id = "stop_recording", tag = "recordings",
    params(("egress_id" = String, Path, description = "The recording", example = "EG_tmYfLE7nGqqo")),
    responses(
        (status = 200, description = "The recording as it is now", body = RequestedRecordingView),
        (status = 202, description = "LiveKit has refused for now; the service keeps trying", body = RequestedRecordingView),
        NotFound, LiveKitRefusal, SenderRefusals, AnyRefusal,
    ),
    security(("api_token" = ["record"]), ("livekit_token" = ["roomRecord"])),
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    egress_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bearer = auth::sender(&app, &headers, Grant::Record)?;
    let Path(egress_id) = egress_id?;
    let unknown = || Problem::not_found("this recording does not exist");
    let row = app.store.call_of_egress(&egress_id).await?;
    let call = row.ok_or_else(unknown)?.call;
    bearer.is_for(&call.room_name)?;
    let recording = call
        .recordings
        .get(egress_id.as_str())
        .ok_or_else(unknown)?;
    if call.is_others() && bearer.signer().is_some() {
        return Err(unknown());
    }
    if !call.is_running(recording) {
        return Ok(recorded(&call, recording));
    }
    if call.is_others() {
        return Err(refused(requests::OTHER_PROJECT.to_owned()));
    }
    let request = requests::stop(&app.store, &call, &egress_id, (app.clock)()).await?;
    app.wake.intake.notify_one();
    match outcome(&app, || request.outcome(&app.store)).await {
        Some(RequestOutcome::Recorded(found)) => Ok(recorded(&found.0, &found.1)),
        Some(RequestOutcome::Refused(error) | RequestOutcome::NotPermitted(error)) => {
            Err(refused(error))
        }
        Some(RequestOutcome::Retrying(reason)) => {
            let state = RequestedRecordingView::new(&call, recording);
            Ok(accepted(state.because(&reason)))
        }
        Some(RequestOutcome::NoRoom | RequestOutcome::Simulated) | None => {
            Ok(recorded(&call, recording))
        }
    }
}
