//! Who opens the link of a recording: a person with a browser, or a player or program that wants the file.

use axum::http::{HeaderMap, HeaderName, Method, header};

use crate::http::quality::preferences;

/// The headers that decide.
pub(in crate::http) const VARY: &str = "accept, range, sec-fetch-dest";
/// What browsers say that they load.
const DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// Media types of pages.
const PAGES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// Whether a request prefers a page to the file. A player asks for a range, or says that it plays; programs accept anything.
pub(in crate::http) fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let destination = headers.get(DESTINATION).map(|it| it.as_bytes());
    let is_media = matches!(destination, Some(b"audio" | b"video" | b"track"));
    let is_for_people = method == Method::GET && !headers.contains_key(header::RANGE) && !is_media;
    is_for_people && prefers_pages(headers)
}

/// Of equal ones the first counts.
fn prefers_pages(headers: &HeaderMap) -> bool {
    let mut best = (0.0, false);
    for (name, quality) in preferences(headers, header::ACCEPT) {
        if quality > best.0 {
            best = (quality, PAGES.contains(&name.as_str()));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8";

    fn wants(accept: &str, more: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        for (name, value) in more {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        wants_page(&Method::GET, &headers)
    }

    #[test]
    fn browsers_get_the_page() {
        for accept in [CHROME, "text/html", "Text/HTML; charset=utf-8, */*;q=0.1"] {
            assert!(wants(accept, &[]), "{accept}");
            assert!(wants(accept, &[("sec-fetch-dest", "document")]), "{accept}");
        }
    }

    #[test]
    fn players_and_programs_get_the_file() {
        for accept in [
            "*/*",
            "",
            "audio/*",
            "audio/*, text/html;q=0.9",
            "audio/mpeg, text/html",
            "*/*, text/html;q=0.5",
            "text/html;q=0",
            "application/json, text/plain, */*",
        ] {
            assert!(!wants(accept, &[]), "{accept}");
        }
        assert!(!wants(CHROME, &[("range", "bytes=0-")]));
        assert!(!wants(CHROME, &[("sec-fetch-dest", "audio")]));
        let mut headers = HeaderMap::new();
        assert!(!wants_page(&Method::GET, &headers));
        headers.insert(header::ACCEPT, HeaderValue::from_static(CHROME));
        assert!(!wants_page(&Method::HEAD, &headers));
    }
}
