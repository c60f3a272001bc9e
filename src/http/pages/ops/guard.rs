//! Around every page under `/ops`: lets in who is signed in, and turns problems into pages for browsers.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::html;
use url::form_urlencoded::byte_serialize;

use super::{
    attention,
    form::is_ours,
    sessions::{self, Found},
    shell,
};
use crate::http::{
    App,
    error::Problem,
    visitor::{Visitor, Warnings},
};

/// Lets the request through, with its visitor, or answers it.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_html = wants_html(request.headers());
    let response = admitted(&app, request, next).await;
    let visitor = response.extensions().get::<Visitor>();
    let mut response = match response.extensions().get::<Problem>() {
        Some(problem) if is_html => shell::problem(problem, visitor, &path),
        _ => response,
    };
    protect(response.headers_mut());
    response
}

async fn admitted(app: &Arc<App>, request: Request, next: Next) -> Response {
    if !app.ops.are_open(&app.tokens) {
        return closed(&request);
    }
    if let Err(problem) = is_ours(request.method(), request.headers()) {
        return problem.into_response();
    }
    if is_for_all(request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Found { visitor, cookie } = match sessions::find(app, &parts).await {
        Ok(Some(found)) => found,
        Ok(None) => return sign_in_first(&parts),
        Err(error) => return Problem::from(error).into_response(),
    };
    let visitor = match wants_html(&parts.headers) {
        true => visitor.warned_of(warnings(app).await),
        false => visitor,
    };
    parts.extensions.insert(visitor.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // A problem's page has the way around that they have.
    response.extensions_mut().insert(visitor);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn warnings(app: &App) -> Warnings {
    Warnings {
        failing: app.ops.health.failing().len(),
        attention: attention::count(app).await,
    }
}

/// The page that people sign in at.
fn is_for_all(path: &str) -> bool {
    path == "/ops/login"
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept.is_some_and(|types| types.contains("text/html"))
}

/// To the sign-in page and back.
fn sign_in_first(request: &Parts) -> Response {
    if request.method != Method::GET || !wants_html(&request.headers) {
        let detail = "sign in at /ops/login, or send `Authorization: Bearer TOKEN`";
        return Problem::unauthorized(detail).into_response();
    }
    let uri = &request.uri;
    let wanted = uri.path_and_query().map_or("/ops", |it| it.as_str());
    let root = shell::root_of(uri.path());
    let next: String = byte_serialize(wanted.as_bytes()).collect();
    let address = format!("{root}ops/login?next={next}");
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response()
}

fn closed(request: &Request) -> Response {
    if !wants_html(request.headers()) {
        let detail = "the pages are closed: set API_TOKEN (or API_TOKENS), and restart";
        return Problem::forbidden(detail).into_response();
    }
    let main = html! {
        p { "Nobody can sign in, because no token is configured. Set " code { "API_TOKEN" } " to a random text of at least 32 characters, for example so, and restart the service:" }
        pre { code { "echo \"API_TOKEN=$(openssl rand -hex 32)\" >> .env" } }
        p { "For colleagues, " code { "API_TOKENS" } " has lines " code { "name scope[,scope] token" } ": "
            code { "read" } " opens the pages, " code { "words" } " the transcripts, " code { "redrive" } " the retry buttons." }
    };
    let root = shell::root_of(request.uri().path());
    shell::outside(StatusCode::FORBIDDEN, root, "The pages are closed", main)
}

/// No other site may open, embed or read the pages.
fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("vary", "cookie"),
    ] {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static(value));
    }
    let nothing = HeaderValue::from_static(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(nothing);
}
