//! The HTTP face: puts what it is told on disk, answers from the store, and does nothing else.

mod api;
mod auth;
mod budget;
mod calls;
pub mod describe;
mod error;
mod links;
mod ops;
mod recordings;
pub mod server;
mod socket;
mod transcripts;
mod webhook;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::{get, post},
};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    domain::link::LinkRules,
    livekit::token::Keys,
    pipeline::{JobStatus, Wake},
    storage,
    store::Store,
    telemetry::LogThrottle,
};
pub use budget::Base;
use error::Problem;
pub use ops::Writable;

/// Bytes of a webhook's body; LiveKit's are a few KiB.
const WEBHOOK_BYTES: usize = 1 << 20;
/// Bytes of a transcript's body.
const TRANSCRIPT_BYTES: usize = 16 << 20;

/// What requests need.
pub struct App {
    pub store: Store,
    pub keys: Keys,
    pub wake: Arc<Wake>,
    pub status: JobStatus,
    pub storage: storage::Client,
    pub links: LinkRules,
    pub base: Base,
    /// API_TOKEN
    pub api_token: Option<SecretString>,
    /// Transcripts that are read at one time, and the large ones that are stored.
    pub reading: Semaphore,
    pub metrics: PrometheusHandle,
    /// For `/readyz`.
    pub writable: Writable,
    /// Webhooks that were refused, by the reason.
    pub refusals: LogThrottle,
    /// Gives the time; one of the two edges where the clock is read.
    pub clock: fn() -> Timestamp,
}

/// Every request that the service answers.
pub fn router(app: App) -> Router {
    let v1 = Router::new()
        .route("/v1/transcripts", post(transcripts::receive))
        .layer(DefaultBodyLimit::max(TRANSCRIPT_BYTES))
        .route("/v1/recordings", post(recordings::start))
        .route("/v1/recordings/{egress_id}/stop", post(recordings::stop))
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/{call_id}", get(calls::show))
        .route("/v1/calls/{call_id}/{transcript}", get(calls::transcript));
    Router::new()
        .route("/webhooks/livekit", post(webhook::receive))
        .layer(DefaultBodyLimit::max(WEBHOOK_BYTES))
        .merge(v1)
        .route("/r/{id}/{signature}", get(links::recording))
        .route("/r/{id}/transcript/{signature}", get(links::transcript))
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(map_response(not_for_others))
        .with_state(Arc::new(app))
}

/// Everything here is about somebody's calls, so no cache may keep it; and it is what its content type says.
async fn not_for_others(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
