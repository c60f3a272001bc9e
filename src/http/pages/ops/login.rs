//! `/ops/login` and `/ops/logout`.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use url::form_urlencoded;

use super::{cookie, form::Form, sessions, shell};
use crate::{
    domain::audit::Actor,
    http::{
        App,
        audit::{AuditedAs, client},
        error::Problem,
        visitor::Visitor,
    },
    store,
};

const ROOT: &str = "../";

/// The form.
pub(super) async fn page(request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let next = pairs.find(|(name, _)| name == "next");
    let next = next.map(|(_, value)| value.into_owned());
    form(StatusCode::OK, &next.unwrap_or_default(), None)
}

fn form(status: StatusCode, next: &str, error: Option<&str>) -> Response {
    shell::outside(status, ROOT, "Sign in", fields(next, error))
}

fn fields(next: &str, error: Option<&str>) -> Markup {
    html! {
        form.sign-in method="post" action="login" {
            @if let Some(error) = error {
                p.error role="alert" #login-error { (error) }
            }
            label for="token" { "Token" }
            input #token name="token" type="password" autocomplete="current-password" required autofocus
                aria-describedby=[error.map(|_| "login-error")];
            input type="hidden" name="next" value=(next);
            button.main type="submit" { "Sign in" }
            p.hint { "API_TOKEN, or a token of API_TOKENS with the scope " code { "read" } "." }
        }
    }
}

/// Begins a session.
pub(super) async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let client = client(&app.trusted_proxies, &request);
    let (parts, body) = request.into_parts();
    let form = match Form::read(body).await {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let next = form.get("next").unwrap_or_default();
    let Some(attempt) = app.ops.attempts.begin(&client) else {
        let error = "Too many failed tries from your address. Wait a minute.";
        let mut response = self::form(StatusCode::TOO_MANY_REQUESTS, next, Some(error));
        let minute = HeaderValue::from_static("60");
        response.headers_mut().insert(header::RETRY_AFTER, minute);
        return response;
    };
    let typed = form.get("token").unwrap_or_default().trim();
    let Some(token) = app.tokens.known(typed) else {
        return self::form(
            StatusCode::UNAUTHORIZED,
            next,
            Some("This token is not valid."),
        );
    };
    attempt.succeeded();
    let cookie = match sessions::sign_in(&app, &parts.headers, &token).await {
        Ok(cookie) => cookie,
        Err(error) => return not_begun(error, next),
    };
    let signed_in = AuditedAs {
        who: Some(Actor::Token(token.access.name.clone())),
        ..AuditedAs::default()
    };
    let location = format!("{ROOT}{}", target(next).trim_start_matches('/'));
    let headers = [(header::LOCATION, location)];
    let mut response = (StatusCode::SEE_OTHER, headers, Extension(signed_in)).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// A session is stored: without a database that can be written, its reason is all that can be shown. It is shown to those who
/// have a token.
fn not_begun(error: store::Error, next: &str) -> Response {
    let reason = error.reason();
    // Logged there.
    let status = Problem::from(error).status();
    let text = format!(
        "Nobody can sign in now, because the database cannot be written: {reason}. A request with the header “Authorization: Bearer TOKEN” can still read the pages."
    );
    form(status, next, Some(&text))
}

/// Where to go on: a page of ours, whatever the address says.
fn target(next: &str) -> &str {
    let is_page = next == "/ops" || next.starts_with("/ops/") || next.starts_with("/ops?");
    let is_plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    // Browsers read %2e as a dot.
    let is_direct =
        !next.contains("//") && !next.to_ascii_lowercase().replace("%2e", ".").contains("..");
    match is_page && is_plain && is_direct {
        true => next,
        false => "/ops",
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    Form::of(&visitor, request.into_body()).await?;
    sessions::sign_out(&app, &headers).await?;
    let to_login = [(header::LOCATION, "login")];
    let mut response = (StatusCode::SEE_OTHER, to_login).into_response();
    let removed = cookie::removed(&headers);
    response.headers_mut().append(header::SET_COOKIE, removed);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn sign_in_leads_to_our_pages_only() {
        for page in ["/ops", "/ops?status=failed", "/ops/calls/RM_a"] {
            assert_eq!(target(page), page);
        }
        for other in [
            "",
            "https://example.com",
            "//example.com",
            "/ops/../v1",
            "/ops/%2e%2e/v1",
            "/ops/.%2E/v1",
            "/ops//example.com",
            "/opsx",
            "/ops/\\example.com",
            "/ops/\n",
            "javascript:alert(1)",
        ] {
            assert_eq!(target(other), "/ops", "{other}");
        }
    }
}
