//! A key that is replaced while a request signed with the old one is under way.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode};
use livekit_airtable::{
    domain::{Addressing, KeyLookup, StorageKey},
    storage::{Client, Config, Error},
};
use tokio::sync::Semaphore;

struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

/// The first request waits; every one is rejected with 400.
async fn reject(State(gate): State<Arc<Gate>>, uri: axum::http::Uri) -> StatusCode {
    if uri.path().ends_with("slow.mp3") {
        gate.arrived.add_permits(1);
        gate.open.acquire().await.unwrap().forget();
    }
    StatusCode::BAD_REQUEST
}

fn key(token: Option<&str>) -> StorageKey {
    StorageKey {
        access_key: "access".into(),
        secret_key: "storage-secret".to_owned().into(),
        session_token: token.map(|token| token.to_owned().into()),
    }
}

#[tokio::test]
async fn an_error_is_about_the_key_of_its_own_request() {
    for (old, is_temporary) in [(Some("token"), true), (None, false)] {
        livekit_airtable::install_crypto();
        let gate = Arc::new(Gate {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(reject).with_state(gate.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        let current = Arc::new(Mutex::new(key(old)));
        let read = current.clone();
        let client = Client::new(Config {
            key: KeyLookup::new(move || Ok(read.lock().unwrap().clone())),
            addressing: Addressing::Path,
            bucket: "calls".into(),
            endpoint: Some(url),
            region: "auto".into(),
        });
        let replace = async {
            gate.arrived.acquire().await.unwrap().forget();
            let new = old.is_none().then_some("token");
            *current.lock().unwrap() = key(new);
            client.head("fast.mp3").await.unwrap_err();
            gate.open.add_permits(10);
        };
        let (error, ()) = tokio::join!(client.head("slow.mp3"), replace);
        let error = error.unwrap_err();
        assert_eq!(matches!(error, Error::Expired), is_temporary, "{error}");
    }
}
