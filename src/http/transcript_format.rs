//! The forms of a transcript: by the suffix of the address, else by the header `Accept`.

use axum::http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::ToSchema;

/// How a transcript is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TranscriptFormat {
    Json,
    Text,
    Vtt,
    Srt,
}

/// The files of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum TranscriptFile {
    /// As JSON.
    #[serde(rename = "transcript.json")]
    Json,
    /// As plain text.
    #[serde(rename = "transcript.txt")]
    Text,
    /// As WebVTT captions.
    #[serde(rename = "transcript.vtt")]
    Vtt,
    /// As SubRip captions.
    #[serde(rename = "transcript.srt")]
    Srt,
}

impl From<TranscriptFile> for TranscriptFormat {
    fn from(file: TranscriptFile) -> TranscriptFormat {
        match file {
            TranscriptFile::Json => TranscriptFormat::Json,
            TranscriptFile::Text => TranscriptFormat::Text,
            TranscriptFile::Vtt => TranscriptFormat::Vtt,
            TranscriptFile::Srt => TranscriptFormat::Srt,
        }
    }
}

impl TranscriptFormat {
    /// The form that the client prefers; JSON if it accepts any, or none that there is.
    pub(super) fn accepted(headers: &HeaderMap) -> TranscriptFormat {
        let accept = headers.get_all(header::ACCEPT).iter();
        let ranges = accept.filter_map(|value| value.to_str().ok());
        let ranges = ranges.flat_map(|value| value.split(','));
        let mut best = (0.0, TranscriptFormat::Json);
        for (format, quality) in ranges.filter_map(preferred) {
            // Of equal ones the first counts.
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The header `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            TranscriptFormat::Json => "application/json",
            TranscriptFormat::Text => "text/plain; charset=utf-8",
            TranscriptFormat::Vtt => "text/vtt; charset=utf-8",
            TranscriptFormat::Srt => "application/x-subrip; charset=utf-8",
        }
    }
}

/// A range of the header: `text/vtt;q=0.5`.
fn preferred(range: &str) -> Option<(TranscriptFormat, f64)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let format = match name.as_str() {
        "application/json" | "application/*" | "*/*" => TranscriptFormat::Json,
        "text/plain" | "text/*" => TranscriptFormat::Text,
        "text/vtt" => TranscriptFormat::Vtt,
        "application/x-subrip" | "application/srt" | "text/srt" | "text/x-subrip" => {
            TranscriptFormat::Srt
        }
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |text| text.trim().parse().ok());
    Some((format, quality?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(accept: &str) -> TranscriptFormat {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        TranscriptFormat::accepted(&headers)
    }

    #[test]
    fn the_client_gets_the_form_that_it_prefers() {
        for (accept, format) in [
            ("", TranscriptFormat::Json),
            ("*/*", TranscriptFormat::Json),
            ("image/png", TranscriptFormat::Json),
            ("text/vtt", TranscriptFormat::Vtt),
            ("Text/Plain; charset=utf-8", TranscriptFormat::Text),
            ("application/x-subrip", TranscriptFormat::Srt),
            (
                "text/vtt;q=0.2, application/json;q=0.9",
                TranscriptFormat::Json,
            ),
            ("text/html, text/vtt, */*;q=0.8", TranscriptFormat::Vtt),
            (
                "application/json;q=0, text/plain;q=0.1",
                TranscriptFormat::Text,
            ),
            ("text/vtt;q=x", TranscriptFormat::Json),
        ] {
            assert_eq!(of(accept), format, "{accept}");
        }
    }
}
