//! A proxy between a client and the stand-in: it sees every request and answers some itself.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use livekit_airtable::telemetry;
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct Front(Arc<Inner>);

struct Inner {
    url: String,
    behind: String,
    http: reqwest::Client,
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<VecDeque<(u16, Option<u32>, String)>>,
    delay: Mutex<Duration>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub at: Instant,
    pub answered: Option<Instant>,
    pub method: Method,
    /// Its rows: Call IDs, or record ids where those are known.
    pub rows: Vec<String>,
}

impl Front {
    pub(crate) async fn start(behind: String) -> Front {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Front(Arc::new(Inner {
            url: format!("http://{}", listener.local_addr().unwrap()),
            behind,
            http: telemetry::http_client().unwrap(),
            seen: Mutex::default(),
            answers: Mutex::default(),
            delay: Mutex::default(),
        }));
        let app = Router::new().fallback(pass).with_state(front.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        front
    }

    pub(crate) fn url(&self) -> String {
        self.0.url.clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.0.seen.lock().unwrap().clear();
    }

    /// The next requests get these answers, without getting through: status, `Retry-After` in seconds, body.
    pub(crate) fn answer(&self, times: usize, status: u16, retry_after: Option<u32>, body: &str) {
        let mut answers = self.0.answers.lock().unwrap();
        answers.extend(std::iter::repeat_n(
            (status, retry_after, body.to_owned()),
            times,
        ));
    }

    /// No more answers of its own.
    pub(crate) fn repair(&self) {
        self.0.answers.lock().unwrap().clear();
    }

    /// Every answer comes so much later.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.0.delay.lock().unwrap() = delay;
    }
}

/// The shortest time in which `count` requests came.
pub(crate) fn closest(seen: &[Seen], count: usize) -> Duration {
    let mut at: Vec<Instant> = seen.iter().map(|seen| seen.at).collect();
    at.sort();
    let spans = at
        .windows(count)
        .map(|window| window[count - 1] - window[0]);
    spans.min().unwrap_or(Duration::MAX)
}

async fn pass(
    State(front): State<Front>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let place = {
        let mut seen = front.0.seen.lock().unwrap();
        seen.push(Seen {
            at: Instant::now(),
            answered: None,
            method: method.clone(),
            rows: rows(&body),
        });
        seen.len() - 1
    };
    let answer = front.0.answers.lock().unwrap().pop_front();
    let answer = match answer {
        Some((status, retry_after, body)) => {
            let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
            if let Some(seconds) = retry_after {
                answer.headers_mut().insert("retry-after", seconds.into());
            }
            answer
        }
        None => front.ask_behind(method, &uri, &headers, body).await,
    };
    let delay = *front.0.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    if let Some(seen) = front.0.seen.lock().unwrap().get_mut(place) {
        seen.answered = Some(Instant::now());
    }
    answer
}

impl Front {
    async fn ask_behind(
        &self,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let url = format!("{}{uri}", self.0.behind);
        let mut request = self.0.http.request(method, url).body(body);
        for name in ["authorization", "content-type"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        let Ok(answer) = request.send().await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let status = answer.status();
        let body = answer.bytes().await.unwrap_or_default();
        (status, Body::from(body)).into_response()
    }
}

fn rows(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let records = body["records"].as_array().cloned().unwrap_or_default();
    let name = |record: &Value| {
        let cells = record["fields"].as_object().cloned().unwrap_or_default();
        let key = cells.values().filter_map(Value::as_str);
        let key = key.into_iter().find(|text| text.starts_with("RM_"));
        let name = record["id"].as_str().or(key).unwrap_or_default();
        name.to_owned()
    };
    records.iter().map(name).collect()
}
