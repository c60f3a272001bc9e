//! Reads bodies leniently: compressed, with a byte order mark, or with bytes that are not UTF-8.

use std::io::{self, Read};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use flate2::read::MultiGzDecoder;

use super::error::Problem;
use crate::store::beside_others;

const BOM: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = b"\x1F\x8B\x08";

/// The body as text: decompressed to at most `limit` bytes, with U+FFFD for bytes that are not UTF-8.
pub(super) fn text(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<String, Problem> {
    let body = decompressed(headers, body, limit)?;
    let body = match body.starts_with(BOM) {
        true => body.slice(BOM.len()..),
        false => body,
    };
    let is_plain = || std::str::from_utf8(&body).is_ok_and(|text| !text.contains('\0'));
    if is_utf16(&body) || says_utf16(headers) && !is_plain() {
        return Err(Problem::bad_request(
            "the body is encoded as UTF-16 or UTF-32: send it as UTF-8",
        ));
    }
    // Without a copy, if the body is UTF-8 and nobody else has it.
    let text = String::from_utf8(body.into());
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    // Each byte that is not UTF-8 becomes three bytes.
    match text.len() <= limit {
        true => Ok(text),
        false => Err(too_large(limit)),
    }
}

/// How many bytes of text the body has, or at least so many, if they are more than `limit`. Nothing is kept of them.
pub(super) fn length(body: &Bytes, limit: usize) -> usize {
    if !body.starts_with(GZIP) || body.len() > limit {
        return body.len();
    }
    beside_others(body.len(), || plain_length(body, limit))
}

fn plain_length(body: &Bytes, limit: usize) -> usize {
    let mut decoder = MultiGzDecoder::new(body.as_ref()).take(limit as u64 + 1);
    // Damaged data is refused when it is read.
    let plain = io::copy(&mut decoder, &mut io::sink()).unwrap_or_default();
    usize::try_from(plain).map_or(usize::MAX, |plain| plain.max(body.len()))
}

/// Refuses encodings other than gzip: 415.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encodings =
        encodings.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let encodings: Vec<String> = encodings.filter(|name| !name.is_empty()).collect();
    match encodings.join(",").as_str() {
        "" | "identity" | "gzip" | "x-gzip" => Ok(()),
        _ => {
            let detail =
                "the body's Content-Encoding is not supported: send it uncompressed or as gzip";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}

fn decompressed(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Problem> {
    check_encoding(headers)?;
    // Some proxies decompress a body without removing the header, and some programs do not set it.
    if !body.starts_with(GZIP) {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let mut decoder = MultiGzDecoder::new(body.as_ref()).take(limit as u64 + 1);
    if decoder.read_to_end(&mut plain).is_err() {
        return Err(Problem::bad_request(
            "the gzip data of the body is damaged or incomplete",
        ));
    }
    match plain.len() <= limit {
        true => Ok(plain.into()),
        false => Err(too_large(limit)),
    }
}

fn too_large(limit: usize) -> Problem {
    let detail = format!(
        "a transcript may have at most {} MiB, uncompressed",
        limit >> 20
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn says_utf16(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    kind.contains("charset=utf-16") || kind.contains("charset=utf-32")
}

/// Whether the body is UTF-16 or UTF-32, by its byte order mark or by the zeros in its first characters.
fn is_utf16(body: &[u8]) -> bool {
    let marked = body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF");
    let wide = match body {
        [0, 0, 0, last, ..] | [last, 0, 0, 0, ..] => *last != 0,
        [0, a, 0, b, ..] | [a, 0, b, 0, ..] => *a != 0 && *b != 0,
        _ => false,
    };
    marked || wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_encodings_are_recognised() {
        let wide = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        assert!(is_utf16(&wide("\u{FEFF}{}")));
        assert!(is_utf16(&wide(r#"{"room":"a"}"#)));
        let big: Vec<u8> = "[{}]".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(is_utf16(&big));
        assert!(!is_utf16(b"{\"a\":1}"));
        assert!(!is_utf16(b""));
    }
}
