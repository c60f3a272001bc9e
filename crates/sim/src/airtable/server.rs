//! One request from its bytes to its answer: token, base, rate limit, fault, work.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::faults::{self, Fault};
use super::refusal::{Outcome, Refusal};
use super::routes::{self, Call};
use super::wire::{Scissors, Wires};
use super::{Airtable, attachments, control, ids};

/// Bytes of a request's body. Airtable's own end is not documented; its proxies take a megabyte.
const LARGEST_BODY: usize = 1_000_000;
/// An upload of 5 MB in base64 fits.
const LARGEST_UPLOAD: usize = 10 * 1024 * 1024;

/// Characters of a URL, from its scheme on: it must be shorter. What is longer goes by `POST …/listRecords`.
const LONGEST_URL: usize = 16_000;

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
    if let Some(outcome) = control::answer(&airtable, &call) {
        return respond(outcome);
    }
    if length(&parts) >= LONGEST_URL {
        airtable.state().requests += 1;
        return faults::page(414);
    }
    if call.is_upload() {
        airtable.fetched().await;
    }
    let fault = match airtable.admit(&parts.headers, &call) {
        Ok(fault) => fault,
        Err(refusal) => return respond(Err(refusal)),
    };
    let Some(fault) = fault else {
        let outcome = airtable.work(&call);
        airtable.fetch_attachments();
        airtable.notify();
        return respond(outcome);
    };
    let mut done = respond(Err(Refusal::not_found()));
    if fault.works() {
        done = respond(airtable.work(&call));
        airtable.notify();
        match fault {
            Fault::NoAttachments => airtable.drop_attachments(),
            _ => airtable.fetch_attachments(),
        }
    }
    fault.answer(done, &connection).await
}

/// Of the URL as the client wrote it.
fn length(parts: &Parts) -> usize {
    let host = parts.headers.get(HOST).map_or(0, |host| host.len());
    "http://".len() + host + parts.uri.to_string().len()
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

fn token(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    header.strip_prefix("Bearer ")
}

impl Airtable {
    /// Counts the request and lets it through, perhaps with a fault that is due, or refuses it. An onlooker's only passes.
    fn admit(&self, headers: &HeaderMap, call: &Call) -> Result<Option<Fault>, Refusal> {
        let onlooker = self.0.options.onlooker_token.as_deref();
        if onlooker.is_some() && token(headers) == onlooker {
            return Ok(None);
        }
        let mut state = self.state();
        state.requests += 1;
        let token = token(headers).filter(|token| token.starts_with("pat"));
        let token = token.ok_or_else(Refusal::unauthenticated)?;
        let known = |base| state.bases.iter().any(|b| b.id == base);
        if let Some(base) = call.base().filter(|base| !known(*base)) {
            return Err(match ids::is_id(base, "app") {
                true => Refusal::forbidden(),
                false => Refusal::not_found(),
            });
        }
        if !state.limits.admit(token, call.base(), Instant::now()) {
            state.breaches += 1;
            return Err(Refusal::rate_limited());
        }
        let fault = state.faults.take(&call.method, call.is_metadata());
        if let (Some(Fault::Lockout), Some(base)) = (&fault, call.base()) {
            state.limits.lock(base, Instant::now());
        }
        Ok(fault)
    }

    /// What the writes so far left to be fetched is not, and goes out of its cells.
    fn drop_attachments(&self) {
        let mut state = self.state();
        for base in &mut state.bases {
            let tables = base.tables.iter_mut();
            let left: Vec<_> = tables
                .flat_map(|t| std::mem::take(&mut t.to_fetch))
                .collect();
            for (id, _) in left {
                attachments::forget(base, &id);
            }
        }
    }

    fn work(&self, call: &Call) -> Outcome {
        let is_poisoned = |poison: &String| call.holds(poison);
        let is_poisoned = self.state().poisons.iter().any(is_poisoned);
        match is_poisoned {
            true => Err(Refusal::poisoned()),
            false => routes::dispatch(self, call),
        }
    }

    /// Starts fetching what the writes so far left to be fetched.
    fn fetch_attachments(&self) {
        let mut state = self.state();
        let tables = state.bases.iter_mut().flat_map(|base| &mut base.tables);
        let left = tables.flat_map(|table| std::mem::take(&mut table.to_fetch));
        for (id, url) in left.collect::<Vec<_>>() {
            state.fetching += 1;
            tokio::spawn(attachments::fetch(self.clone(), id, url));
        }
    }

    /// Starts sending the notifications that the writes so far left to be sent.
    fn notify(&self) {
        let mut state = self.state();
        let webhooks = state.bases.iter_mut().map(|base| &mut base.webhooks);
        for notification in webhooks.flat_map(|webhooks| std::mem::take(&mut webhooks.to_send)) {
            tokio::spawn(notification.send());
        }
    }

    /// Until nothing is being fetched, or two seconds: an upload is slower than a fetch, and its answer shows what was fetched.
    async fn fetched(&self) {
        for _ in 0..200 {
            if self.state().fetching == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
