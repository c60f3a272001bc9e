//! The refusals of uploads: the agents SDK retries those that may pass by their body.

use axum::http::StatusCode;
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, RefOr, ResponseBuilder},
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
        let passing = PASSING.map(|(status, why)| {
            let description = format!("{why}: a `google.rpc.Status` with `RetryInfo`");
            let response = ResponseBuilder::new()
                .description(description)
                .content("application/x-protobuf", ContentBuilder::new().build());
            (status.as_str().to_owned(), RefOr::T(response.build()))
        });
        FINAL.into_iter().map(reference).chain(passing).collect()
    }
}
