//! The frame of every page.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use maud::{DOCTYPE, Markup, html};
use tokio::sync::OwnedSemaphorePermit;

use super::nonce::Nonce;
use crate::http::{
    assets::{APP_CSS, Asset},
    pieces::Pieces,
};

/// A page without its frame.
pub(super) struct Page<'a> {
    /// In the window's title.
    pub title: &'a str,
    /// The way from the page's address to the root of the service: `../../`. Relative, because a proxy may serve it under a path.
    pub root: &'a str,
    /// Beside the service's name at the top.
    pub nav: Markup,
    /// Run in this order when the page is there.
    pub scripts: &'a [&'static Asset],
    /// The origin of the bucket, if the page plays something.
    pub media: Option<&'a str>,
    /// What the page is about.
    pub main: Markup,
}

impl Page<'_> {
    /// The answer; `place` is free again when it has been sent.
    pub(super) fn response(self, place: Option<OwnedSemaphorePermit>) -> Response {
        let nonce = Nonce::new();
        let policy = policy(&nonce, self.media);
        let html = self.html(&nonce).into_string();
        let mut response = Pieces::of_text(html).response("text/html; charset=utf-8", place);
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        keep_private(headers);
        response
    }

    fn html(&self, nonce: &Nonce) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex, nofollow";
                    meta name="style-nonce" content=(nonce.as_str());
                    title { (self.title) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href={ (self.root) (APP_CSS.path()) };
                    @for script in self.scripts {
                        script src={ (self.root) (script.path()) } defer {}
                    }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.nav)
                    main #main tabindex="-1" { (self.main) }
                    div #live .unseen role="status" aria-live="polite" {}
                }
            }
        }
    }
}

/// What a page may load: its own files, and sound from the bucket.
fn policy(nonce: &Nonce, media: Option<&str>) -> String {
    let nonce = nonce.as_str();
    let media = media.map_or_else(String::new, |origin| format!(" {origin}"));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         media-src 'self'{media}; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// No search engine lists it, no cache keeps it, and no other site learns its address.
fn keep_private(headers: &mut HeaderMap) {
    for (name, value) in [
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
