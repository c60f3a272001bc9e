//! The webhooks that arrive while checks run: in the inbox of the running service, or on a listener at LISTEN_ADDR.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::{get, post},
};
use tokio::net::TcpListener;

use super::finding::Finding;
use crate::{
    livekit::{
        token::{Keys, TokenError, named_key},
        webhook::token,
    },
    store::{self, Store},
    telemetry,
};

/// A webhook that the listener refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) error: TokenError,
    /// The API key that it names.
    pub(super) key: String,
}

#[derive(Debug, Default)]
struct Heard {
    closed: Option<Finding>,
    /// The ids of which webhooks are expected.
    expected: Vec<String>,
    accepted: Vec<String>,
    refused: Vec<Refused>,
}

/// The webhooks that the listener got, and why there is none. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals(Arc<Mutex<Heard>>);

impl Arrivals {
    /// Nothing listens, and why.
    pub(super) fn close(&self, why: Finding) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.closed = Some(why);
    }

    /// Whether webhooks would be seen.
    ///
    /// # Errors
    /// What to report instead.
    pub(super) fn is_open(&self) -> Result<(), Finding> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.closed.clone().map_or(Ok(()), Err)
    }

    /// Webhooks about this id are about to come. Those about calls are asked for again: nothing keeps them here.
    pub(super) fn expect(&self, id: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.expected.push(id.to_owned());
    }

    /// The bodies of accepted webhooks with this text.
    pub(super) async fn with(
        &self,
        text: &str,
        store: Option<&Store>,
    ) -> Result<Vec<String>, store::Error> {
        let mut bodies = match store {
            Some(store) => store.webhooks_with(text).await?,
            None => Vec::new(),
        };
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = heard.accepted.iter().filter(|body| body.contains(text));
        bodies.extend(accepted.cloned());
        Ok(bodies)
    }

    /// The last webhook that the listener refused.
    pub(super) fn refused(&self) -> Option<Refused> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.refused.last().cloned()
    }

    fn note(&self, webhook: Result<String, Refused>) -> StatusCode {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match webhook {
            Ok(body) if heard.expected.iter().any(|id| body.contains(id)) => {
                heard.accepted.push(body);
                StatusCode::OK
            }
            Ok(_) => StatusCode::SERVICE_UNAVAILABLE,
            Err(refused) => {
                heard.refused.push(refused);
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

/// Listens for webhooks until it is dropped.
///
/// # Errors
/// When the address is taken or not permitted.
pub(super) async fn listen(
    address: SocketAddr,
    keys: Keys,
    arrivals: Arrivals,
) -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    let listener = TcpListener::bind(address).await?;
    let app = Router::new()
        .route("/webhooks/livekit", post(receive))
        .route("/healthz", get(async || "ok\n"))
        .with_state((keys, arrivals));
    Ok(axum::serve(listener, app).into_future())
}

async fn receive(
    State((keys, arrivals)): State<(Keys, Arrivals)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let verified = keys.verify_webhook(authorization, telemetry::now());
    let verified = verified.and_then(|signed| signed.verify(&body));
    let webhook = match verified {
        Ok(_) => Ok(String::from_utf8_lossy(&body).into_owned()),
        Err(error) => Err(Refused {
            error,
            key: named_key(token(authorization.unwrap_or_default())),
        }),
    };
    arrivals.note(webhook)
}
