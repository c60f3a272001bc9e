//! `GET /openapi.json`

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::AnyRefusal;

/// The document as it is served.
pub(in crate::http) struct Served {
    json: Bytes,
    etag: String,
}

impl Served {
    /// Its ETag is the same as long as the document is.
    pub(super) fn new(json: String) -> Served {
        let hash = Sha256::digest(&json);
        let hash: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
        Served {
            json: json.into(),
            etag: format!("\"{hash}\""),
        }
    }
}

/// Describes this API
///
/// This document. It needs no token, for it has nothing secret, and may be kept as long as its ETag is the same.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "monitoring",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the document that is known already")),
    responses(
        (status = 200, description = "The document", body = Object, content_type = "application/json",
            headers(("ETag" = String, description = "Changes with the document"))),
        (status = 304, description = "It has not changed", headers(("ETag" = String, description = "Changes with the document"))),
        AnyRefusal,
    ),
    security(()),
)]
pub(in crate::http) async fn get(
    Extension(served): Extension<Arc<Served>>,
    headers: HeaderMap,
) -> Response {
    let etag = served.etag.as_str();
    let cached = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache")];
    match knows(&headers, etag) {
        true => (StatusCode::NOT_MODIFIED, cached).into_response(),
        false => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            (cached, json, served.json.clone()).into_response()
        }
    }
}

/// Whether the client has this version. A proxy that compresses answers makes the tag a weak one.
fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    let given = given.filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
