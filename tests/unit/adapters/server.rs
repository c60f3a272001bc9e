//! Servers on real sockets: one that gives prepared answers, and some that are ill.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri, header},
};
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One request that came, in full.
#[derive(Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    /// A Twirp request in protobuf's JSON.
    pub fn message<M: Message + Default + Serialize>(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/protobuf");
        let message = M::decode(self.body.clone()).unwrap();
        serde_json::to_value(message).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|v| v.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// A server that gives the prepared answers one after the other, the last one for ever, and keeps what was asked.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

/// Status, headers, body.
pub type Answer = (u16, Vec<(header::HeaderName, String)>, Vec<u8>);

pub fn answer(status: u16, content_type: &str, body: impl ToString) -> Answer {
    bytes(status, content_type, body.to_string().into())
}

pub fn bytes(status: u16, content_type: &str, body: Vec<u8>) -> Answer {
    (
        status,
        vec![(header::CONTENT_TYPE, content_type.into())],
        body,
    )
}

/// The message that protobuf's JSON describes, as Twirp answers it.
pub fn protobuf<M: Message + DeserializeOwned>(json: serde_json::Value) -> Answer {
    let message: M = serde_json::from_value(json).unwrap();
    bytes(200, "application/protobuf", message.encode_to_vec())
}

pub fn json(status: u16, body: impl ToString) -> Answer {
    answer(status, "application/json", body)
}

impl Server {
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        livekit_airtable::install_crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
        };
        let router = Router::new().fallback(respond).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn respond(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    server.seen.lock().unwrap().push(Seen {
        method,
        uri,
        headers,
        body,
    });
    let mut answers = server.answers.lock().unwrap();
    let next = if answers.len() > 1 {
        answers.pop_front()
    } else {
        answers.front().cloned()
    };
    let (status, headers, body) = next.unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

/// A server that reads an entire request, writes `reply` unchanged and closes the connection.
pub async fn hangs_up(reply: &'static str) -> String {
    livekit_airtable::install_crypto();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = vec![0; 64 * 1024];
            let _ = socket.read(&mut read).await;
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    });
    url
}

/// A server that accepts and says nothing.
pub async fn never_answers() -> String {
    livekit_airtable::install_crypto();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    url
}

/// An address where nothing listens.
pub async fn nobody() -> String {
    livekit_airtable::install_crypto();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub fn http() -> reqwest::Client {
    livekit_airtable::telemetry::http_client().unwrap()
}
