//! One request from its bytes to its answer: token, base, rate limit, fault, work.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::faults::Fault;
use super::refusal::{Outcome, Refusal};
use super::routes::{self, Call};
use super::wire::{Scissors, Wires};
use super::{Airtable, attachments, ids};

/// Bytes of a request's body. Airtable's own end is not documented; its proxies take a megabyte.
const LARGEST_BODY: usize = 1_000_000;
/// An upload of 5 MB in base64 fits.
const LARGEST_UPLOAD: usize = 10 * 1024 * 1024;

pub(super) async fn serve(listener: TcpListener, airtable: Airtable) {
    let stop = airtable.0.stop.clone();
    let app = Router::new().fallback(answer).with_state(airtable);
    let app = app.into_make_service_with_connect_info::<Scissors>();
    let server = axum::serve(Wires(listener), app);
    let _never_fails = server
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await;
}

pub(super) fn respond(outcome: Outcome) -> Response {
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal { status, body }) => (
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body,
        ),
    };
    let kind = [(CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body.to_string()).into_response()
}

async fn answer(
    State(airtable): State<Airtable>,
    ConnectInfo(connection): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = routes::segments(parts.uri.path());
    if let [attachments, id, _filename] = &path[..]
        && attachments == "attachments"
    {
        return content(&airtable, id);
    }
    let call = read(&parts, path, body).await;
    let fault = match airtable.admit(&parts.headers, &call) {
        Ok(fault) => fault,
        Err(refusal) => return respond(Err(refusal)),
    };
    if let Some(answer) = fault.as_ref().and_then(Fault::instead) {
        return answer;
    }
    let outcome = match airtable.refuses(&call) {
        true => Err(Refusal::poisoned()),
        false => routes::dispatch(&airtable, &call),
    };
    airtable.fetch_attachments();
    match fault {
        Some(fault) => fault.spoil(respond(outcome), &connection).await,
        None => respond(outcome),
    }
}

async fn read(parts: &Parts, path: Vec<String>, body: Body) -> Call {
    let query = parts.uri.query().unwrap_or_default();
    let query = url::form_urlencoded::parse(query.as_bytes());
    let largest = match path.last().map(String::as_str) {
        Some("uploadAttachment") => LARGEST_UPLOAD,
        _ => LARGEST_BODY,
    };
    Call {
        method: parts.method.clone(),
        path,
        query: query.into_owned().collect(),
        body: to_bytes(body, largest).await.ok(),
    }
}

/// The bytes of an attachment; as on Airtable's own host, the address is all that one needs.
fn content(airtable: &Airtable, id: &str) -> Response {
    match airtable.state().contents.get(id).cloned() {
        Some(content) => ([(CONTENT_TYPE, content.kind)], content.bytes).into_response(),
        None => respond(Err(Refusal::not_found())),
    }
}

impl Airtable {
    /// Counts the request and lets it through, perhaps with a fault that is due, or refuses it.
    fn admit(&self, headers: &HeaderMap, call: &Call) -> Result<Option<Fault>, Refusal> {
        let mut state = self.state();
        state.requests += 1;
        let token = headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok());
        let token = token.and_then(|header| header.strip_prefix("Bearer "));
        if !token.is_some_and(|token| token.starts_with("pat")) {
            return Err(Refusal::unauthenticated());
        }
        if let Some(base) = call.base() {
            if !state.bases.iter().any(|b| b.id == base) {
                return Err(match ids::is_id(base, "app") {
                    true => Refusal::forbidden(),
                    false => Refusal::not_found(),
                });
            }
            let limit = state.limits.entry(base.to_owned());
            let limit = limit.or_insert_with(|| self.new_limit());
            if !limit.admit(Instant::now()) {
                state.breaches += 1;
                return Err(Refusal::rate_limited());
            }
        }
        Ok(state.faults.take(call.is_metadata()))
    }

    fn refuses(&self, call: &Call) -> bool {
        let state = self.state();
        state.poisons.iter().any(|poison| call.holds(poison))
    }

    /// Starts fetching what the writes so far left to be fetched.
    fn fetch_attachments(&self) {
        let mut state = self.state();
        let tables = state.bases.iter_mut().flat_map(|base| &mut base.tables);
        for (id, url) in tables.flat_map(|table| table.to_fetch.drain(..)) {
            tokio::spawn(attachments::fetch(self.clone(), id, url));
        }
    }
}
