//! A server that is none of those that `doctor` asks.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
    response::Response,
};

/// A server that answers everything alike, and what it was asked.
pub(super) struct Other {
    pub(super) url: String,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

pub(super) async fn other(
    answer: impl Fn(&Method, &Uri) -> Response + Clone + Send + Sync + 'static,
) -> Other {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let app = Router::new().fallback(
        async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let signed = headers.contains_key("webhook-signature");
            let body = String::from_utf8_lossy(&body).into_owned();
            let line = format!("{method} {} {signed} {body}", uri.path());
            noted.lock().unwrap().push(line);
            answer(&method, &uri)
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    Other { url, asked }
}
