//! All routes of the service.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    App, calls,
    error::{self, Problem},
    get_transcript, health, links, metrics,
    post_transcript::{self, TRANSCRIPT_BYTES},
    recordings,
    webhook::{self, WEBHOOK_BYTES},
};

/// Routes requests to their handlers; what is unknown is a 404, and a panic a 500.
pub fn router(app: App) -> Router {
    let v1 = Router::new()
        .route("/v1/transcripts", post(post_transcript::receive))
        .layer(DefaultBodyLimit::max(TRANSCRIPT_BYTES))
        .route("/v1/recordings", post(recordings::start))
        .route("/v1/recordings/{egress_id}/stop", post(recordings::stop))
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/{call_id}", get(calls::show))
        .route(
            "/v1/calls/{call_id}/{transcript}",
            get(get_transcript::transcript),
        );
    Router::new()
        .route("/webhooks/livekit", post(webhook::receive))
        .layer(DefaultBodyLimit::max(WEBHOOK_BYTES))
        .merge(v1)
        .route("/r/{id}/{signature}", get(links::recording))
        .route("/r/{id}/transcript/{signature}", get(links::transcript))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .fallback(|| async { Problem::not_found("this address does not exist") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(map_response(private))
        .with_state(Arc::new(app))
}

/// Every answer is about somebody's calls, so no cache may keep it; and it is what its content type says.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
