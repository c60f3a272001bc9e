//! A proxy in front of LiveKit that answers some requests in its place.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use livekit_protocol as proto;
use prost::Message;
use serde_json::json;

use crate::harness::World;

/// An answer in LiveKit's place: status, content type, body.
pub(crate) type Answer = (u16, &'static str, Vec<u8>);

/// An empty list of anything, in protobuf.
pub(crate) fn nothing() -> Answer {
    (200, "application/protobuf", Vec::new())
}

/// An error of Twirp's.
pub(crate) fn twirp(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "code": code, "msg": message });
    (status, "application/json", body.to_string().into_bytes())
}

/// The proxy; clones share it.
#[derive(Clone)]
pub(crate) struct Front {
    pub url: String,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// LiveKit's address; empty before it is known.
    target: Mutex<String>,
    answers: Mutex<BTreeMap<&'static str, Answer>>,
    /// The whole list lacks every room; asked for by name, they are listed.
    cut_off: Mutex<bool>,
    asked: Mutex<Vec<String>>,
    /// How long each answer takes that is given in LiveKit's place.
    delay: Mutex<Duration>,
    http: reqwest::Client,
}

/// A world whose service reaches LiveKit through a proxy, below `path`.
pub(crate) async fn world_below(path: &str, settings: &[(&str, &str)]) -> (World, Front) {
    livekit_airtable::install_crypto();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = Front {
        url: format!("http://{}{path}", listener.local_addr().unwrap()),
        state: Arc::default(),
    };
    let forwarding = Router::new().fallback(forward);
    let app = match path {
        "" => forwarding,
        path => Router::new().nest(path, forwarding),
    };
    let app = app.with_state(front.state.clone());
    tokio::spawn(axum::serve(listener, app).into_future());
    let url = [("LIVEKIT_URL", front.url.as_str())];
    let world = World::with(&[&url, settings].concat()).await;
    *front.state.target.lock().unwrap() = world.livekit.url();
    (world, front)
}

pub(crate) async fn world(settings: &[(&str, &str)]) -> (World, Front) {
    world_below("", settings).await
}

impl Front {
    /// From now on this method answers so.
    pub(crate) fn answer(&self, method: &'static str, answer: Answer) {
        self.state.answers.lock().unwrap().insert(method, answer);
    }

    /// From now on answers in LiveKit's place take this long.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.state.delay.lock().unwrap() = delay;
    }

    /// From now on the list of all rooms is empty.
    pub(crate) fn cut_off_lists(&self) {
        *self.state.cut_off.lock().unwrap() = true;
    }

    /// From now on LiveKit answers everything itself.
    pub(crate) fn tell_the_truth(&self) {
        self.state.answers.lock().unwrap().clear();
        *self.state.cut_off.lock().unwrap() = false;
    }

    /// How often this method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().filter(|it| *it == method).count()
    }
}

async fn forward(
    State(state): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let method = uri.path().rsplit('/').next().unwrap_or_default();
    state.asked.lock().unwrap().push(method.to_owned());
    if let Some(answer) = in_its_place(&state, method, &body) {
        let delay = *state.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        return respond(answer);
    }
    let target = state.target.lock().unwrap().clone();
    if target.is_empty() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request = state
        .http
        .post(format!("{target}{}", uri.path()))
        .body(body);
    let request = [header::AUTHORIZATION, header::CONTENT_TYPE]
        .iter()
        .fold(request, |request, name: &HeaderName| {
            request.header(name, &headers[name])
        });
    let Ok(answer) = request.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let kind = answer.headers()[header::CONTENT_TYPE].clone();
    let body = answer.bytes().await.unwrap_or_default();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn in_its_place(state: &Shared, method: &str, body: &Bytes) -> Option<Answer> {
    let names = || proto::ListRoomsRequest::decode(body.clone()).unwrap().names;
    if method == "ListRooms" && *state.cut_off.lock().unwrap() && names().is_empty() {
        return Some(nothing());
    }
    state.answers.lock().unwrap().get(method).cloned()
}

fn respond((status, kind, body): Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
