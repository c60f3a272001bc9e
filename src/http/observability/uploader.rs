//! Who uploads.

use axum::http::HeaderMap;

use crate::{
    domain::Signer,
    http::{
        App,
        auth::bearer_token,
        error::Problem,
        refused_tokens::Entrance,
        token_refusal::{bad_token, without_token},
    },
};

/// What opens `/observability`.
const UPLOAD_TOKEN: &str = "an upload requires a LiveKit token of this project's key with the grant `observability.write`, as the agents SDK makes it of LIVEKIT_API_KEY";
/// Who uploads a session, or telemetry; 401 without a token or with a bad one, 403 without `observability.write`. Only
/// then may the body be received. The SDK stops all uploads of its process after a 401 that says that data recording is
/// disabled: no answer may say that.
pub(super) fn uploader(app: &App, headers: &HeaderMap) -> Result<Signer, Problem> {
    let token = bearer_token(headers).ok_or_else(|| {
        let missing = without_token(app, Entrance::Observability);
        Problem::unauthorized(format!("{UPLOAD_TOKEN}: {}", missing.detail()))
    })?;
    if app.tokens.find(token).is_some() {
        return Err(Problem::forbidden(UPLOAD_TOKEN));
    }
    match app.keys.verify_sender(token, (app.clock)()) {
        Ok((grants, signer)) if grants.observability_write => Ok(signer),
        Ok(_) => Err(Problem::forbidden(format!(
            "the token lacks the grant `observability.write`: {UPLOAD_TOKEN}"
        ))),
        Err(refused) => {
            let why = bad_token(app, token, refused, Entrance::Observability);
            Err(Problem::unauthorized(format!("{UPLOAD_TOKEN}: {why}")))
        }
    }
}
