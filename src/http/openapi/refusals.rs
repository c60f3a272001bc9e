//! The error responses. Handlers name theirs in groups.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response,
        ResponseBuilder, Type,
    },
};

use crate::http::error::{ProblemBody, RETRY_AFTER};

const PROBLEM: &str = "application/problem+json";

pub(super) type Responses = BTreeMap<String, RefOr<Response>>;

/// Every error with its reason, and the detail of an example.
const ALL: [(StatusCode, &str, &str); 16] = [
    (
        StatusCode::BAD_REQUEST,
        "The request is wrong; `detail` says what",
        "the query is invalid: a name occurs twice, or a value has the wrong type",
    ),
    (
        StatusCode::UNAUTHORIZED,
        "There is no token, or it is not valid",
        "send `Authorization: Bearer TOKEN`; if you did, a proxy in front of the service has removed it",
    ),
    (
        StatusCode::FORBIDDEN,
        "The token does not permit this",
        "the token \"dashboard\" lacks the scope `words`",
    ),
    (
        StatusCode::NOT_FOUND,
        "There is no such thing",
        "this call does not exist",
    ),
    (
        StatusCode::REQUEST_TIMEOUT,
        "The body was incomplete or came too slowly",
        "the body was incomplete or took too long; send it again",
    ),
    (
        StatusCode::CONFLICT,
        "The call is simulated, and RECORD_SIMULATIONS is false",
        "the call is simulated, and RECORD_SIMULATIONS is false",
    ),
    (
        StatusCode::GONE,
        "The link was revoked or has expired, or its file is no longer in the bucket",
        "this link has expired; ask whoever sent it for a new one",
    ),
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
        "a transcript may have at most 16 MiB",
    ),
    (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body's Content-Encoding is not supported",
        "the body's Content-Encoding is not supported: send it uncompressed or as gzip",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests with this LiveKit token, or too many bytes with this token",
        "too many requests with this token: at most 60 at once, and 20 per second after that",
    ),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are larger than 32 KiB, or there are more than a hundred",
        "the request's headers are larger than 32 KiB, or there are more than a hundred",
    ),
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "A fault of the service; its log says more",
        "internal error; see the log",
    ),
    (
        StatusCode::BAD_GATEWAY,
        "LiveKit refused; `detail` has its own words",
        "twirp error failed_precondition: egress is already being stopped",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "The database or the storage is not available, or there are too many requests; nothing was stored",
        "the database is not available; nothing was stored, send it again",
    ),
    (
        StatusCode::INSUFFICIENT_STORAGE,
        "The disk of the database is almost full; nothing was stored",
        "the disk of the database is almost full, and the rest of it is kept for webhooks; nothing was stored, send it again later",
    ),
    (
        StatusCode::METHOD_NOT_ALLOWED,
        "The address has no such method; the header `Allow` names those that it has",
        "this address does not support that method",
    ),
];

/// Declares types that stand for groups of errors.
macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident = [$($status:ident),+];)*) => { $(
        $(#[$doc])*
        pub(in crate::http) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> Responses {
                [$(StatusCode::$status),+].into_iter().map(reference).collect()
            }
        }
    )* };
}

groups! {
    /// Of every request.
    AnyRefusal = [METHOD_NOT_ALLOWED, REQUEST_HEADER_FIELDS_TOO_LARGE, INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE];
    /// Of a query.
    WrongQuery = [BAD_REQUEST];
    /// Of an address that names something.
    NotFound = [NOT_FOUND];
    /// Of requests that need a token which may read.
    ReaderRefusals = [UNAUTHORIZED, FORBIDDEN];
    /// Of requests that need a token which may send.
    SenderRefusals = [UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS];
    /// Of requests with a body that is kept.
    BodyRefusals = [BAD_REQUEST, REQUEST_TIMEOUT, PAYLOAD_TOO_LARGE, INSUFFICIENT_STORAGE];
    /// Of bodies that may be compressed.
    EncodingRefusal = [UNSUPPORTED_MEDIA_TYPE];
    /// Of requests that LiveKit has to fulfil.
    LiveKitRefusal = [CONFLICT, BAD_GATEWAY];
    /// Of webhooks.
    WebhookRefusals = [UNAUTHORIZED, PAYLOAD_TOO_LARGE];
}

/// Of links: pages for browsers, problems for programs.
pub(in crate::http) enum LinkRefusals {}

impl IntoResponses for LinkRefusals {
    fn responses() -> Responses {
        let statuses = [
            StatusCode::BAD_REQUEST,
            StatusCode::NOT_FOUND,
            StatusCode::GONE,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        let page = ObjectBuilder::new().schema_type(Type::String);
        let page = ContentBuilder::new().schema(Some(page.build())).build();
        let both = |status| {
            let mut response = response(status);
            let html = "text/html".to_owned();
            response.content.insert(html, page.clone().into());
            (status.as_str().to_owned(), response.into())
        };
        statuses.into_iter().map(both).collect()
    }
}

/// All of them by name, for the document's components.
pub(super) fn components() -> Responses {
    let all = ALL.iter().map(|(status, ..)| *status);
    all.map(|status| (name(status), response(status).into()))
        .collect()
}

pub(super) fn reference(status: StatusCode) -> (String, RefOr<Response>) {
    let reference = Ref::from_response_name(name(status));
    (status.as_str().to_owned(), reference.into())
}

/// `NotFound`
fn name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    reason.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn response(status: StatusCode) -> Response {
    let known = ALL.iter().find(|(of, ..)| *of == status);
    let (_, description, detail) = known.copied().unwrap_or((status, "", ""));
    let example = json!(ProblemBody::new(status, detail));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemBody::name())))
        .example(Some(example));
    let response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM, content.build());
    match header(status) {
        Some((name, header)) => response.header(name, header).build(),
        None => response.build(),
    }
}

/// The header that tells the sender what to do.
fn header(status: StatusCode) -> Option<(&'static str, Header)> {
    let text = |kind: Type, description: &str, example: serde_json::Value| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
            .description(Some(description))
            .example(Some(example))
            .build()
    };
    let seconds: u32 = RETRY_AFTER.parse().unwrap_or_default();
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::INSUFFICIENT_STORAGE => {
            let description = "Seconds after which the request may be sent again";
            Some((
                "Retry-After",
                text(Type::Integer, description, json!(seconds)),
            ))
        }
        StatusCode::UNAUTHORIZED => {
            let description = "The scheme of the header `Authorization`";
            Some((
                "WWW-Authenticate",
                text(Type::String, description, json!("Bearer")),
            ))
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let description = "The methods of the address";
            Some(("Allow", text(Type::String, description, json!("GET,HEAD"))))
        }
        _ => None,
    }
}
