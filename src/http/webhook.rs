//! `POST /webhooks/livekit`: 200 once it is on disk, and never a 4xx for what LiveKit signed (LiveKit counts a 4xx as
//! delivered).

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
};
use futures_util::StreamExt;
use jiff::Timestamp;

use super::{
    App,
    error::Problem,
    openapi::{AnyRefusal, WebhookRefusals},
    refused_tokens::Entrance,
};
use crate::{
    livekit::{
        token::{TokenError, named_key},
        webhook::{EventHead, token},
    },
    store::{InboxMessage, MessageKind},
};

/// Bytes of the largest body; LiveKit's have a few KiB.
pub(super) const WEBHOOK_BYTES: usize = 1 << 20;
/// How long a refused body is read to find out whether it is too large.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes LiveKit's webhooks
///
/// Answers 200 once the webhook is on disk, whatever the signed body is: LiveKit counts a 4xx as delivered.
#[utoipa::path(
    post, path = "/webhooks/livekit", operation_id = "receive_livekit_webhook", tag = "livekit",
    request_body(content = Object, content_type = "application/webhook+json", description = "LiveKit's `WebhookEvent`, at most 1 MiB"),
    responses((status = 200, description = "It is stored"), WebhookRefusals, AnyRefusal),
    security(("webhook_signature" = [])),
)]
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let now = (app.clock)();
    let message = signed(&app, request, now).await?;
    app.take(message).await.map_err(Problem::not_stored)?;
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "stored").increment(1);
    Ok(StatusCode::OK)
}

/// The signed webhook. The token is checked first: a body without a valid one is not kept in memory.
async fn signed(app: &Arc<App>, request: Request, now: Timestamp) -> Result<InboxMessage, Problem> {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let signed = match app.keys.verify_webhook(authorization, now) {
        Ok(signed) => signed,
        Err(refused) => {
            let foreign = authorization.filter(|_| refused.is_foreign());
            let key = foreign.map(|header| named_key(token(header)));
            let ours = authorization.and_then(|header| app.keys.named(token(header)));
            app.refused_tokens
                .note(Entrance::Webhooks, refused, ours, now);
            let measured = tokio::time::timeout(MEASURE_TIMEOUT, is_too_large(request.into_body()));
            return Err(match measured.await {
                Ok(true) => too_large(app),
                _ => refuse(app, refused, key.as_deref()),
            });
        }
    };
    let body = Bytes::from_request(request, app).await;
    let body = body.map_err(|cut| match cut.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(app),
        // LiveKit counts a 4xx as delivered.
        _ => Problem::unavailable("the body was incomplete or took too long; send it again"),
    })?;
    let signer = signed.verify(&body).map_err(|refused| {
        app.refused_tokens
            .note(Entrance::Webhooks, refused, Some(signed.key()), now);
        refuse(app, refused, None)
    })?;
    let mut message = InboxMessage::new(MessageKind::Webhook, body.to_vec(), now);
    let event = EventHead::read(&body);
    message.dedupe = Some(signed.dedupe_key(&event));
    Ok(message.about(&event.room_sid).signed(signer))
}

async fn is_too_large(body: Body) -> bool {
    let mut frames = body.into_data_stream();
    let mut bytes = 0;
    while let Some(Ok(frame)) = frames.next().await {
        bytes += frame.len();
        if bytes > WEBHOOK_BYTES {
            return true;
        }
    }
    false
}

fn too_large(app: &App) -> Problem {
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "refused").increment(1);
    let reason = "it has more than 1 MiB";
    if let Some(suppressed) = app.refusal_log.should_log(reason) {
        tracing::warn!(
            reason,
            suppressed,
            "webhook rejected, nothing stored: LiveKit's have a few KiB, so somebody else calls this address"
        );
    }
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "a webhook may have at most 1 MiB",
    )
}

/// `key`: the one that the token names, if no configured key has signed it.
fn refuse(app: &App, refused: TokenError, key: Option<&str>) -> Problem {
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "refused").increment(1);
    let reason = refused.to_string();
    if let Some(suppressed) = app.refusal_log.should_log(&reason) {
        let advice = refused.advice();
        tracing::warn!(
            reason,
            iss = key,
            suppressed,
            "webhook rejected, nothing stored: {advice}; run `livekit-airtable doctor`"
        );
    }
    Problem::unauthorized(refused.for_sender(key))
}
