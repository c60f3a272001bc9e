//! The document.

use std::sync::Arc;

use utoipa::{Modify, OpenApi, openapi};

use super::{examples, get::Served, refusals, security};
use crate::http::{
    audit, calls, error::ProblemBody, get_transcript, health, links, metrics, observability,
    post_transcript, recordings, transcript_format, webhook,
};

/// Every request. A test compares it with the router.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "livekit-airtable",
        description = "Records LiveKit calls, keeps the recordings in a bucket, and writes one Airtable row per call.\n\n\
                       Times are RFC 3339 in UTC, durations are seconds, sizes are bytes; what is unknown is null. Errors are \
                       RFC 9457 problems; a connection that does not send a valid HTTP request gets one with 400. New fields may come; clients ignore those they do not know.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "The service that serves this document")),
    tags(
        (name = "calls", description = "Calls and what was said in them"),
        (name = "recordings", description = "Starting and stopping recordings"),
        (name = "links", description = "Permanent links, as they are in the rows"),
        (name = "audit", description = "Who read, heard, linked, was refused"),
        (name = "agents", description = "What the agents SDK sends by itself"),
        (name = "livekit", description = "What LiveKit sends"),
        (name = "monitoring", description = "Whether the service works"),
    ),
    paths(
        webhook::receive,
        post_transcript::receive,
        observability::upload::receive,
        observability::telemetry::logs,
        observability::telemetry::traces,
        observability::telemetry::metrics,
        recordings::start,
        recordings::stop,
        calls::list,
        calls::show,
        get_transcript::negotiated,
        get_transcript::file,
        audit::get,
        links::recording,
        links::transcript,
        health::healthz,
        health::readyz,
        metrics::metrics,
        super::get::get,
    ),
    components(schemas(ProblemBody, transcript_format::TranscriptFile)),
    modifiers(&Components),
)]
struct Document;

/// Adds what attributes cannot say.
struct Components;

impl Modify for Components {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.responses.extend(refusals::components());
        for (name, scheme) in security::schemes() {
            components.add_security_scheme(name, scheme);
        }
        examples::add(document);
        for item in document.paths.paths.values_mut() {
            // Each operation needs an id of its own.
            if let Some(head) = &mut item.head {
                let id = head.operation_id.take();
                head.operation_id = id.map(|id| format!("{id}_head"));
            }
        }
    }
}

/// The document, as JSON.
pub fn openapi_document() -> String {
    // Made of maps and texts: it cannot fail.
    Document::openapi().to_json().unwrap_or_default()
}

/// The document, for its handler.
pub(in crate::http) fn served() -> Arc<Served> {
    Arc::new(Served::new(openapi_document()))
}
