//! A server with scripted responses.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use livekit_airtable::airtable::{Client, Config};
use serde_json::{Map, Value, json};

/// Status, `Retry-After` and body; a JSON string is the body as it stands.
pub type Scripted = (u16, Option<&'static str>, Value);

/// Answers in order, then an empty table; keeps what it was asked.
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<Scripted>>>,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Clone)]
pub struct Asked {
    pub at: Instant,
    pub line: String,
    pub authorization: String,
    pub body: Value,
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    script.asked.lock().unwrap().push(Asked {
        at: Instant::now(),
        line: format!("{method} {uri}"),
        authorization: headers["authorization"].to_str().unwrap().into(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let next = script.answers.lock().unwrap().pop_front();
    let empty = json!({"records": [], "tables": []});
    let (status, retry_after, body) = next.unwrap_or((200, None, empty));
    let text = body.as_str().map_or(body.to_string(), str::to_string);
    let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert("retry-after", seconds.parse().unwrap());
    }
    response
}

pub async fn start(answers: &[Scripted]) -> (Script, SocketAddr) {
    let script = Script::default();
    script.answers.lock().unwrap().extend(answers.to_vec());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (script, addr)
}

pub fn client(addr: SocketAddr, requests_per_second: f64) -> Client {
    livekit_airtable::install_crypto();
    let config = Config {
        api_url: format!("http://{addr}"),
        token: "patSecret".into(),
        base_id: "appBase".into(),
        table: "Calls".into(),
        requests_per_second,
    };
    Client::new(
        reqwest::Client::builder().no_proxy().build().unwrap(),
        config,
    )
}

pub fn row(key: &str) -> Map<String, Value> {
    Map::from_iter([("fldKey".to_string(), json!(key))])
}
