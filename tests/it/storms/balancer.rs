//! A load balancer as simple as they get: each request to any backend that takes it. Its clients keep their connections, so
//! that no request of theirs meets a connection which is just being closed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;
use uuid::Uuid;

pub(super) struct Balancer {
    pub address: String,
    backends: Arc<Backends>,
}

struct Backends {
    client: reqwest::Client,
    /// Each address with the count of requests that it took.
    taken: Vec<(String, AtomicUsize)>,
}

impl Balancer {
    pub(super) async fn start(addresses: &[String]) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // A backend that is killed takes no connection; one that was kept would fail a request that another could take.
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0);
        let backends = Arc::new(Backends {
            client: client.build().unwrap(),
            taken: addresses.iter().map(|a| (a.clone(), 0.into())).collect(),
        });
        let app = Router::new()
            .fallback(pass)
            .layer(DefaultBodyLimit::disable())
            .with_state(backends.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        Balancer { address, backends }
    }

    /// How many requests each backend has taken.
    pub(super) fn taken(&self) -> Vec<usize> {
        let counts = self.backends.taken.iter();
        counts.map(|(_, n)| n.load(Ordering::Relaxed)).collect()
    }
}

async fn pass(
    State(backends): State<Arc<Backends>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    // It is the connection's.
    headers.remove(header::CONNECTION);
    // Not in turn: then the same event of every call could be the same backend's.
    let first = usize::from(Uuid::new_v4().as_bytes()[0]);
    for n in 0..backends.taken.len() {
        let (address, taken) = &backends.taken[(first + n) % backends.taken.len()];
        let request = backends
            .client
            .request(method.clone(), format!("http://{address}{uri}"))
            .headers(headers.clone())
            .body(body.clone());
        match request.send().await {
            Ok(answer) => {
                taken.fetch_add(1, Ordering::Relaxed);
                return passed_back(answer).await;
            }
            Err(error) if error.is_connect() => {}
            // It may have done what it was asked for.
            Err(_) => break,
        }
    }
    StatusCode::BAD_GATEWAY.into_response()
}

async fn passed_back(answer: reqwest::Response) -> Response {
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    match answer.bytes().await {
        Ok(body) => (status, headers, Body::from(body)).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
