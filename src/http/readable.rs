//! Bodies as programs really send them, made readable: compressed, with a byte order mark, with bytes that are not UTF-8,
//! with JSON that only its sender's library takes for JSON.

use std::{borrow::Cow, io::Read};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

use super::error::Problem;

const BOM: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = b"\x1F\x8B\x08";

/// The body as text: decompressed to at most `limit` bytes, with U+FFFD for bytes that are not UTF-8.
pub(super) fn text(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<String, Problem> {
    let body = decompressed(headers, body, limit)?;
    let body = body.strip_prefix(BOM).unwrap_or(&body);
    let is_plain = || std::str::from_utf8(body).is_ok_and(|text| !text.contains('\0'));
    if is_utf16(body) || says_utf16(headers) && !is_plain() {
        return Err(Problem::bad_request(
            "the body is encoded as UTF-16 or UTF-32: send it as UTF-8",
        ));
    }
    let text = String::from_utf8_lossy(body).into_owned();
    // Each such byte becomes three.
    match text.len() <= limit {
        true => Ok(text),
        false => Err(too_large(limit)),
    }
}

fn decompressed(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Problem> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encodings =
        encodings.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let encodings: Vec<String> = encodings.filter(|name| !name.is_empty()).collect();
    match encodings.join(",").as_str() {
        // Not every proxy that decompresses a body removes the header, and not every program sets it.
        "" | "identity" | "gzip" | "x-gzip" if !body.starts_with(GZIP) => return Ok(body),
        "" | "identity" | "gzip" | "x-gzip" => {}
        _ => {
            let detail =
                "the body's Content-Encoding is not supported: send it uncompressed or as gzip";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
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

/// By its byte order mark, or by the zeros in its first letters.
fn is_utf16(body: &[u8]) -> bool {
    let marked = body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF");
    let wide = match body {
        [0, 0, 0, last, ..] | [last, 0, 0, 0, ..] => *last != 0,
        [0, a, 0, b, ..] | [a, 0, b, 0, ..] => *a != 0 && *b != 0,
        _ => false,
    };
    marked || wide
}

/// The text if it is JSON, or what it must have been: with `null` for `NaN` and `Infinity`, U+FFFD for halves of surrogate
/// pairs, and escapes for control characters in strings.
pub(super) fn json(text: &str) -> Option<Cow<'_, str>> {
    let is_json = |text: &str| serde_json::from_str::<&RawValue>(text).is_ok();
    // The parser does not look into escapes of surrogates before it needs the text.
    let surrogates = text.contains("\\ud") || text.contains("\\uD");
    if !surrogates && is_json(text) {
        return Some(text.into());
    }
    let repaired = repaired(text);
    is_json(&repaired).then_some(repaired.into())
}

fn repaired(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while !rest.is_empty() {
        let stop = |c: char| match in_string {
            true => c == '"' || c == '\\' || c < ' ',
            false => matches!(c, '"' | 'N' | 'I' | '-'),
        };
        let at = rest.find(stop).unwrap_or(rest.len());
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(first) = rest.chars().next() else {
            break;
        };
        let length = match first {
            '"' => {
                in_string = !in_string;
                repaired.push('"');
                1
            }
            '\\' => push_escape(&mut repaired, rest),
            c if in_string => {
                repaired.push_str(&format!("\\u{:04x}", u32::from(c)));
                1
            }
            c => match ["NaN", "Infinity", "-Infinity", "-NaN"]
                .iter()
                .find(|name| rest.starts_with(**name))
            {
                Some(name) => {
                    repaired.push_str("null");
                    name.len()
                }
                None => {
                    repaired.push(c);
                    1
                }
            },
        };
        rest = &rest[length..];
    }
    repaired
}

/// Copies the escape at the beginning of `rest`; the answer is how many bytes it has.
fn push_escape(repaired: &mut String, rest: &str) -> usize {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u16::from_str_radix(digits, 16).ok().filter(|_| hex)
    };
    let length = match unit(0) {
        Some(0xD800..=0xDBFF) if matches!(unit(6), Some(0xDC00..=0xDFFF)) => 12,
        Some(0xD800..=0xDFFF) => {
            repaired.push('\u{FFFD}');
            return 6;
        }
        Some(_) => 6,
        None => match rest[1..].chars().next() {
            Some(c) if "\"\\/bfnrtu".contains(c) => 2,
            // No escape: the backslash stands for itself.
            _ => {
                repaired.push_str("\\\\");
                return 1;
            }
        },
    };
    repaired.push_str(&rest[..length]);
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_lenient_libraries_is_read() {
        let cases = [
            (
                r#"{"a":"x\ud800y\udc00"}"#,
                "{\"a\":\"x\u{FFFD}y\u{FFFD}\"}",
            ),
            (
                r#"{"a":"\ud83d\ude00\uD83D"}"#,
                "{\"a\":\"\\ud83d\\ude00\u{FFFD}\"}",
            ),
            (
                r#"[NaN,Infinity,-Infinity,-1,"NaN \" -Infinity"]"#,
                r#"[null,null,null,-1,"NaN \" -Infinity"]"#,
            ),
            ("[\"a\nb\tc\"]", "[\"a\\u000ab\\u0009c\"]"),
            (r#"["it\'s C:\x"]"#, r#"["it\\'s C:\\x"]"#),
            (r#"["\\ud800"]"#, r#"["\\ud800"]"#),
        ];
        for (text, wanted) in cases {
            assert_eq!(json(text).as_deref(), Some(wanted), "{text}");
            assert!(
                serde_json::from_str::<serde_json::Value>(wanted).is_ok(),
                "{wanted}"
            );
        }
        for text in ["", "hello", "{\"a\":oops}", "[\"\\ud8", "\"\\"] {
            assert_eq!(json(text), None, "{text}");
        }
    }

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
