//! `POST /observability/{traces,logs,metrics}/otlp/v0`: telemetry that the agents SDK exports to the address of its uploads. It is
//! acknowledged and not kept: an error here would fill the agent's log, and in JavaScript keep the session from being uploaded.

use std::{pin::pin, sync::Arc};

use axum::{
    body::HttpBody,
    extract::{Request, State},
    http::StatusCode,
};
use futures_util::StreamExt;
use uuid::Uuid;

use super::{
    received_body::{Onward, ReceivedBody},
    refusal::too_large,
    uploader::uploader,
};
use crate::http::{App, error::Problem, openapi::UploadRefusals};

/// Bytes of the largest body; exporters send some hundred entries at a time.
const TELEMETRY_BYTES: usize = 64 << 20;

/// Takes an agent's traces
///
/// OTLP, which is not kept.
#[utoipa::path(
    post, path = "/observability/traces/otlp/v0", operation_id = "export_traces", tag = "agents",
    request_body(content = Object, content_type = "application/json", description = "OTLP as JSON or protobuf, at most 64 MiB"),
    responses((status = 200, description = "It was received"), UploadRefusals),
    security(("livekit_token" = ["observability.write"])),
)]
pub(in crate::http) async fn traces(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    discard(&app, request).await
}

/// Takes an agent's logs
///
/// OTLP, which is not kept.
#[utoipa::path(
    post, path = "/observability/logs/otlp/v0", operation_id = "export_logs", tag = "agents",
    request_body(content = Object, content_type = "application/json", description = "OTLP as JSON or protobuf, at most 64 MiB"),
    responses((status = 200, description = "It was received"), UploadRefusals),
    security(("livekit_token" = ["observability.write"])),
)]
pub(in crate::http) async fn logs(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    discard(&app, request).await
}

/// Takes an agent's metrics
///
/// OTLP, which is not kept.
#[utoipa::path(
    post, path = "/observability/metrics/otlp/v0", operation_id = "export_metrics", tag = "agents",
    request_body(content = Object, content_type = "application/json", description = "OTLP as JSON or protobuf, at most 64 MiB"),
    responses((status = 200, description = "It was received"), UploadRefusals),
    security(("livekit_token" = ["observability.write"])),
)]
pub(in crate::http) async fn metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    discard(&app, request).await
}

/// Receives a body of an agent and keeps nothing of it. An empty message is the answer of OTLP that everything was accepted.
async fn discard(app: &App, request: Request) -> Result<StatusCode, Problem> {
    let signer = uploader(app, request.headers())?;
    let too_large = || too_large("telemetry may have at most 64 MiB");
    if request.body().size_hint().lower() > TELEMETRY_BYTES as u64 {
        return Err(too_large());
    }
    let onward = Onward::new(app, &request, &signer);
    let id = Uuid::now_v7().to_string();
    let body = ReceivedBody::new(request.into_body(), onward.as_ref(), &id);
    let (mut frames, mut bytes) = (pin!(body.frames()), 0);
    while let Some(frame) = frames.next().await {
        bytes += frame.map_err(|_| Problem::incomplete())?.len();
        if bytes > TELEMETRY_BYTES {
            return Err(too_large());
        }
    }
    if let Some(onward) = onward {
        onward.send(body).await;
    }
    Ok(StatusCode::OK)
}
