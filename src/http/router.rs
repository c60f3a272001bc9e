//! All routes of the service.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, any, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::audit::AuditAction;

use super::{
    App, assets, audit, calls,
    error::{self, Problem},
    get_transcript, health, links, metrics, observability, openapi, pages, post_transcript,
    recordings, refusals,
    webhook::{self, WEBHOOK_BYTES},
};

/// Routes requests to their handlers; what is unknown is a 404, and a panic a 500.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let limited = Router::new()
        .route(
            "/v1/transcripts",
            audited(
                &app,
                AuditAction::SendTranscript,
                post(post_transcript::receive),
            ),
        )
        .route(
            "/v1/recordings",
            audited(&app, AuditAction::RecordStart, post(recordings::start)),
        )
        .route(
            "/v1/recordings/{egress_id}/stop",
            audited(&app, AuditAction::RecordStop, post(recordings::stop)),
        )
        .route(
            "/v1/audit",
            audited(&app, AuditAction::ReadAudit, get(audit::get)),
        )
        .route(
            "/v1/calls",
            audited(&app, AuditAction::ReadCalls, get(calls::list)),
        )
        .route(
            "/v1/calls/{call_id}",
            audited(&app, AuditAction::ReadCalls, get(calls::show)),
        )
        .route(
            "/v1/calls/{call_id}/transcript",
            audited(
                &app,
                AuditAction::ReadWords,
                get(get_transcript::negotiated),
            ),
        )
        .route(
            "/v1/calls/{call_id}/{file}",
            audited(&app, AuditAction::ReadWords, get(get_transcript::file)),
        )
        .merge(links(&app))
        .merge(pages::ops_routes(&app))
        .merge(pages())
        .route_layer(from_fn_with_state(app.clone(), in_place))
        .merge(uploads(&app));
    Router::new()
        .route("/webhooks/livekit", post(webhook::receive))
        .layer(DefaultBodyLimit::max(WEBHOOK_BYTES))
        .merge(limited)
        .merge(monitoring(&app))
        .fallback(async || unknown_address())
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(map_response(private))
        .with_state(app)
}

/// What the agents SDK sends by itself. Whatever refuses it for now, the SDK must get the answer that it retries.
fn uploads(app: &Arc<App>) -> Router<Arc<App>> {
    let audit = |route| audited(app, AuditAction::SendTranscript, route);
    Router::new()
        .route(
            "/observability/recordings/v0",
            audit(post(observability::upload::receive)),
        )
        .route(
            "/observability/traces/otlp/v0",
            audit(post(observability::telemetry::traces)),
        )
        .route(
            "/observability/logs/otlp/v0",
            audit(post(observability::telemetry::logs)),
        )
        .route(
            "/observability/metrics/otlp/v0",
            audit(post(observability::telemetry::metrics)),
        )
        .route_layer(from_fn_with_state(app.clone(), in_place))
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(map_response(observability::retryable))
}

/// What says of the service itself whether and how it works. It is answered however many other requests there are.
fn monitoring(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route(
            "/openapi.json",
            get(openapi::get).layer(Extension(openapi::served())),
        )
        .route(
            "/metrics",
            audited(app, AuditAction::ReadMetrics, get(metrics::metrics)),
        )
}

/// The permanent links. Their pages load nothing but what their own policy says, and no search engine lists them.
fn links(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route(
            "/r/{egress_id}/{signature}",
            audited(app, AuditAction::Listen, get(links::recording)),
        )
        .route(
            "/r/{call_id}/transcript/{signature}",
            audited(app, AuditAction::ReadWords, get(links::transcript)),
        )
        .layer(map_response(async |mut response: Response| {
            let headers = response.headers_mut();
            let noindex = HeaderValue::from_static("noindex, nofollow");
            headers.insert(HeaderName::from_static("x-robots-tag"), noindex);
            let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
            policy.or_insert_with(error::content_security_policy);
            response
        }))
}

/// What is for people and no part of the API.
fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/assets/{hash}/{name}", get(assets::get))
        .route("/", any(front))
        .route("/ops/", get(async || Redirect::permanent("../ops")))
}

/// Leads a person who opens the service's address to the pages; a program learns that nothing is here.
async fn front(method: Method, headers: HeaderMap) -> Response {
    match pages::wants_page(&method, &headers) {
        true => Redirect::to("./ops").into_response(),
        false => unknown_address().into_response(),
    }
}

fn unknown_address() -> Problem {
    Problem::not_found("this address does not exist")
}

/// A request that leaves a line in the audit trail.
fn audited(
    app: &Arc<App>,
    action: AuditAction,
    route: MethodRouter<Arc<App>>,
) -> MethodRouter<Arc<App>> {
    route.route_layer(from_fn_with_state((app.clone(), action), audit::layer))
}

/// The others leave room for webhooks and monitoring.
async fn in_place(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.admission.place() {
        Ok(_place) => {
            let response = next.run(request).await;
            if response.extensions().get::<refusals::Logged>().is_none() {
                refusals::note(&app.refusal_log, response.status());
            }
            response
        }
        Err(problem) => {
            refusals::note_busy(&app.refusal_log);
            problem.into_response()
        }
    }
}

/// Answers are about somebody's calls, so no cache may keep one that does not say otherwise; and it is what its content type
/// says.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
