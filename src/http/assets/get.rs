//! `GET /assets/{hash}/{name}`.

use axum::{
    body::{Body, Bytes},
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{asset::Asset, files::ALL};
use crate::http::{error::Problem, quality::quality};

/// The file with this hash; 304 if the browser has it.
pub(in crate::http) async fn get(
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((hash, name)) = path?;
    let mut all = ALL.iter();
    let asset = all.find(|asset| asset.name == name && asset.hash() == hash);
    let asset = asset.ok_or_else(|| Problem::not_found("this version has no such file"))?;
    let is_compressed = accepts_gzip(&headers);
    let tag = match is_compressed {
        true => format!("\"{hash}-gzip\""),
        false => format!("\"{hash}\""),
    };
    let mut response = match has(&headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => content(asset, is_compressed),
    };
    let own = response.headers_mut();
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    own.insert(header::CACHE_CONTROL, for_ever);
    let vary = HeaderValue::from_static("accept-encoding");
    own.insert(header::VARY, vary);
    // Hex digits.
    own.extend(HeaderValue::try_from(tag).map(|tag| (header::ETAG, tag)));
    Ok(response)
}

fn content(asset: &Asset, is_compressed: bool) -> Response {
    let body = match is_compressed {
        true => asset.gzip(),
        false => Bytes::from_static(asset.bytes),
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static(asset.content_type);
    headers.insert(header::CONTENT_TYPE, kind);
    if is_compressed {
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(header::CONTENT_ENCODING, gzip);
    }
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let of = |name: &str| quality(headers, header::ACCEPT_ENCODING, name);
    let gzip = of("gzip").or_else(|| of("x-gzip")).or_else(|| of("*"));
    gzip.is_some_and(|quality| quality > 0.0)
}

/// Whether the browser has the file with this tag.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
