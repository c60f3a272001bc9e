//! One request from its bytes to its answer: token, base, rate limit, fault, execution.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::call::{self, Call};
use super::connection::{ResetHandle, ResettableListener};
use super::faults::{self, Fault};
use super::refusal::{Outcome, Refusal, respond};
use super::simulator::Airtable;
use super::{control, ids, routes};

/// Bytes of a request's body. Airtable documents no limit; its proxies take a megabyte.
const LARGEST_BODY: usize = 1_000_000;
/// An upload of 5 MB in base64 fits.
const LARGEST_UPLOAD: usize = 10 * 1024 * 1024;

/// Characters of a URL including its scheme: it must be shorter. Longer queries go to `POST …/listRecords`.
const LONGEST_URL: usize = 16_000;

/// Serves requests until the stand-in is stopped.
pub(super) async fn serve(listener: TcpListener, airtable: Airtable) {
    let stop = airtable.0.stop.clone();
    let app = Router::new().fallback(answer).with_state(airtable);
    let app = app.into_make_service_with_connect_info::<ResetHandle>();
    let server = axum::serve(ResettableListener(listener), app);
    let _never_fails = server
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await;
}

async fn answer(
    State(airtable): State<Airtable>,
    ConnectInfo(connection): ConnectInfo<ResetHandle>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = call::segments(parts.uri.path());
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
    if airtable.stops(&call) {
        return faults::page(403);
    }
    let Some(fault) = fault else {
        let outcome = airtable.execute(&call);
        airtable.fetch_attachments();
        airtable.notify();
        return respond(outcome);
    };
    let mut done = respond(Err(Refusal::not_found()));
    if fault.executes() {
        done = respond(airtable.execute(&call));
        airtable.notify();
        match fault {
            Fault::NoAttachments => airtable.drop_attachments(),
            _ => airtable.fetch_attachments(),
        }
    }
    fault.answer(done, &connection).await
}

/// The length of the URL as the client wrote it.
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

/// The bytes of an attachment; as on Airtable's own host, no token is needed.
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
    /// Counts the request and checks token, base and rate limits. Returns the fault that is due, if any. Requests with the
    /// onlooker's token skip all of it.
    fn admit(&self, headers: &HeaderMap, call: &Call) -> Result<Option<Fault>, Refusal> {
        let onlooker = self.0.options.onlooker_token.as_deref();
        if onlooker.is_some() && token(headers) == onlooker {
            return Ok(None);
        }
        let mut state = self.state();
        state.requests += 1;
        let known = self.0.options.token.as_deref();
        let token = token(headers).filter(|token| match known {
            Some(known) => *token == known,
            None => token.starts_with("pat"),
        });
        let token = token.ok_or_else(Refusal::unauthenticated)?;
        let is_base = |base| state.bases.iter().any(|b| b.id == base);
        if let Some(base) = call.base().filter(|base| !is_base(*base)) {
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

    /// Whether a firewall before Airtable dislikes what is written.
    fn stops(&self, call: &Call) -> bool {
        let state = self.state();
        state.stopped_texts.iter().any(|text| call.holds(text))
    }

    fn execute(&self, call: &Call) -> Outcome {
        let held = |text: &String| call.holds(text);
        let is_refused = self.state().refused_texts.iter().any(held);
        match is_refused {
            true => Err(Refusal::unexplained()),
            false => routes::dispatch(self, call),
        }
    }

    /// Starts sending the webhook notifications that writes have queued.
    fn notify(&self) {
        let mut state = self.state();
        let webhooks = state.bases.iter_mut().map(|base| &mut base.webhooks);
        for notification in webhooks.flat_map(|webhooks| std::mem::take(&mut webhooks.to_send)) {
            tokio::spawn(notification.send());
        }
    }
}
