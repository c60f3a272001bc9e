//! The refusals of uploads: the agents SDK retries those that may pass by their body.

use axum::http::StatusCode;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, KnownFormat, ObjectBuilder, RefOr, ResponseBuilder, SchemaFormat, Type,
    },
};

use super::refusals::{Responses, reference};

/// Of uploads of the agents SDK.
pub(in crate::http) enum UploadRefusals {}

/// They stay so until the request is changed.
const FINAL: [StatusCode; 7] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
];
/// The same request may be accepted later.
const PASSING: [(StatusCode, &str); 5] = [
    (
        StatusCode::REQUEST_TIMEOUT,
        "The body was incomplete or came too slowly",
    ),
    (StatusCode::TOO_MANY_REQUESTS, "Too many bytes of this room"),
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "A fault of the service; its log says more",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "The database is not available, there are too many requests, or there is no room for the audio",
    ),
    (
        StatusCode::INSUFFICIENT_STORAGE,
        "The disk of the database is almost full",
    ),
];

impl IntoResponses for UploadRefusals {
    fn responses() -> Responses {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        let protobuf = ObjectBuilder::new().schema_type(Type::String);
        let protobuf = protobuf.format(Some(binary)).build();
        let content = ContentBuilder::new().schema(Some(protobuf)).build();
        let passing = PASSING.map(|(status, why)| {
            let description = format!("{why}: a `google.rpc.Status` with `RetryInfo`");
            let response = ResponseBuilder::new()
                .description(description)
                .content("application/octet-stream", content.clone());
            (status.as_str().to_owned(), RefOr::T(response.build()))
        });
        FINAL.into_iter().map(reference).chain(passing).collect()
    }
}

/// A session as the agents SDK uploads it. Its parts may come in any order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only the schema of a body")]
pub(in crate::http) struct SessionUpload {
    /// LiveKit's `MetricsRecordingHeader` as protobuf, at most 1 MiB.
    #[schema(value_type = String, format = Binary)]
    header: (),
    /// The conversation as JSON, at most 16 MiB.
    #[schema(value_type = Option<String>, format = Binary)]
    chat_history: (),
    /// The agent's own recording (Ogg Opus), at most AGENT_AUDIO_SIZE.
    #[schema(value_type = Option<String>, format = Binary)]
    audio: (),
}
