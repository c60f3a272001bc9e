//! Receives bodies that may be large, into one buffer each and few large ones at the same time.

use axum::{
    body::Bytes,
    extract::Request,
    http::{StatusCode, header},
};
use futures_util::StreamExt;
use tokio::sync::SemaphorePermit;

use super::{App, error::Problem};

/// Bodies of more bytes are large.
pub(super) const LARGE: usize = 1 << 20;

/// A body that has arrived.
pub(super) struct Received<'a> {
    /// Its bytes.
    pub bytes: Bytes,
    /// Of a large body: until it is dropped, only one other is received.
    pub permit: Option<SemaphorePermit<'a>>,
}

/// Receives a body of at most `limit` bytes; 413 if it has more, 408 if it does not arrive completely.
pub(super) async fn receive<'a>(
    app: &'a App,
    request: Request,
    limit: usize,
) -> Result<Received<'a>, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let length: usize = length.unwrap_or_default();
    if length > limit {
        return Err(too_large(limit));
    }
    let mut permit = None;
    let mut bytes = Vec::new();
    let mut parts = request.into_body().into_data_stream();
    if length > LARGE {
        permit = app.receiving.acquire().await.ok();
    }
    bytes.reserve_exact(length);
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::incomplete())?;
        let size = bytes.len() + part.len();
        if size > limit {
            return Err(too_large(limit));
        }
        if size > LARGE && permit.is_none() {
            permit = app.receiving.acquire().await.ok();
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Received {
        bytes: bytes.into(),
        permit,
    })
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("a transcript may have at most {} MiB", limit >> 20);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
