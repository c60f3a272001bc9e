//! `POST /webhooks/livekit`: 200 once it is on disk, and never a 4xx for something that LiveKit signed (LiveKit counts
//! a 4xx as delivered).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};

use super::{App, error::Problem};
use crate::{
    livekit::webhook::event_key,
    store::{Kind, Letter},
};

pub async fn receive(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = body.map_err(|cut| Problem::no_body(&cut, "a webhook has at most 1 MiB"))?;
    let now = (app.clock)();
    let token = headers.get(header::AUTHORIZATION);
    let token = token.and_then(|value| value.to_str().ok());
    let signed = app.keys.verify_webhook(token, &body, now);
    let key = signed.map_err(|refused| {
        metrics::counter!("livekit_airtable_webhooks_total", "answer" => "refused").increment(1);
        tracing::warn!(reason = %refused, "a webhook was refused; nothing was stored");
        Problem::unauthorized(refused.to_string())
    })?;
    let mut letter = Letter::new(Kind::Webhook, body.to_vec(), now);
    letter.dedupe = Some(event_key(&body));
    letter.signed_by = Some(key);
    app.store.put(letter).await?;
    app.wake.intake.notify_one();
    metrics::counter!("livekit_airtable_webhooks_total", "answer" => "stored").increment(1);
    Ok(StatusCode::OK)
}
