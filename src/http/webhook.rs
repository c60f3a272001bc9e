//! `POST /webhooks/livekit`: 200 once it is on disk, and never a 4xx for something that LiveKit signed (LiveKit counts
//! a 4xx as delivered).

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
};
use futures_util::StreamExt;
use jiff::Timestamp;

use super::{App, WEBHOOK_BYTES, error::Problem};
use crate::{
    livekit::token::TokenError,
    store::{InboxMessage, MessageKind},
};

/// How long a refused body is looked at for its length.
const GLANCE: Duration = Duration::from_secs(1);

pub async fn receive(State(app): State<Arc<App>>, request: Request) -> Result<StatusCode, Problem> {
    let now = (app.clock)();
    let message = signed(&app, request, now).await?;
    app.store.put(message).await?;
    app.wake.intake.notify_one();
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "stored").increment(1);
    Ok(StatusCode::OK)
}

/// What LiveKit signed. The token is looked at first: nobody else's body is kept in memory.
async fn signed(app: &Arc<App>, request: Request, now: Timestamp) -> Result<InboxMessage, Problem> {
    let token = request.headers().get(header::AUTHORIZATION);
    let token = token.and_then(|value| value.to_str().ok());
    let signed = match app.keys.verify_webhook(token, now) {
        Ok(signed) => signed,
        Err(refused) => {
            let glance = tokio::time::timeout(GLANCE, is_too_large(request.into_body()));
            return Err(match glance.await {
                Ok(true) => too_large(),
                _ => refuse(app, refused),
            });
        }
    };
    let body = Bytes::from_request(request, app).await;
    let body = body.map_err(|cut| match cut.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        // LiveKit takes a 4xx for delivered.
        _ => Problem::unavailable("the body broke off or took too long; send it again"),
    })?;
    let key = signed
        .verify(&body)
        .map_err(|refused| refuse(app, refused))?;
    let mut message = InboxMessage::new(MessageKind::Webhook, body.to_vec(), now);
    message.dedupe = Some(signed.event_key(&body));
    message.signed_by = Some(key);
    Ok(message)
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

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a webhook has at most 1 MiB")
}

fn refuse(app: &App, refused: TokenError) -> Problem {
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "refused").increment(1);
    let reason = refused.to_string();
    if let Some(suppressed) = app.refusals.should_log(&reason) {
        let advice = refused.advice();
        tracing::warn!(
            reason,
            suppressed,
            "a webhook was refused, and nothing was stored: {advice}"
        );
    }
    Problem::unauthorized(reason)
}
