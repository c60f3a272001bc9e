//! The delivery of webhooks as LiveKit does it: one FIFO queue per room or egress and address, with retries; old events are dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use livekit_protocol::WebhookEvent;
use reqwest::{StatusCode, header};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::json::{self, Style};
use super::token::Key;
use super::{clock, messages};

const WAITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
const MAX_AGE: Duration = Duration::from_secs(30);
const MAX_DEPTH: usize = 200;

/// The queues of all addresses; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Webhooks {
    client: reqwest::Client,
    stopped: CancellationToken,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Signs the webhooks.
    key: Key,
    urls: Vec<String>,
    lost: bool,
    queues: HashMap<(String, String), mpsc::Sender<Queued>>,
}

#[derive(Debug)]
struct Queued {
    since: Instant,
    body: String,
}

impl Webhooks {
    /// Without queues yet. Fails if no HTTP client can be built.
    pub(super) fn new(
        key: Key,
        urls: Vec<String>,
        stopped: CancellationToken,
    ) -> std::io::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(crate::crypto::no_client)?;
        let state = Arc::new(Mutex::new(State {
            key,
            urls,
            lost: false,
            queues: HashMap::new(),
        }));
        Ok(Self {
            client,
            stopped,
            state,
        })
    }

    /// Sends later events to these addresses.
    pub(super) fn set_urls(&self, urls: Vec<String>) {
        self.lock().urls = urls;
    }

    /// Signs later events with this key.
    pub(super) fn sign_with(&self, key: Key) {
        self.lock().key = key;
    }

    /// While true, events are lost.
    pub(super) fn lose(&self, lost: bool) {
        self.lock().lost = lost;
    }

    /// Appends an event to its queue; `queue` is the id of its room or egress.
    pub(super) fn send(&self, queue: &str, mut event: WebhookEvent) {
        event.id = clock::id("EV_");
        event.created_at = clock::now().as_second();
        let body = json::write(&messages::event(&event), Style::Webhook);
        let mut state = self.lock();
        if state.lost {
            return;
        }
        for url in state.urls.clone() {
            let queued = Queued {
                since: Instant::now(),
                body: body.clone(),
            };
            let sender = state
                .queues
                .entry((url.clone(), queue.to_owned()))
                .or_insert_with(|| self.open_queue(url));
            // A full queue drops the event, as LiveKit's does.
            sender.try_send(queued).ok();
        }
    }

    fn open_queue(&self, url: String) -> mpsc::Sender<Queued> {
        let (sender, receiver) = mpsc::channel(MAX_DEPTH);
        let webhooks = self.clone();
        tokio::spawn(async move {
            let stopped = webhooks.stopped.clone();
            stopped
                .run_until_cancelled(webhooks.drain(url, receiver))
                .await;
        });
        sender
    }

    async fn drain(self, url: String, mut receiver: mpsc::Receiver<Queued>) {
        while let Some(queued) = receiver.recv().await {
            if queued.since.elapsed() < MAX_AGE {
                self.deliver(&url, queued.body).await;
            }
        }
    }

    /// One attempt and four retries; all send the same token.
    async fn deliver(&self, url: &str, body: String) {
        let authorization = self.lock().key.sign(&body);
        for wait in WAITS.map(Some).into_iter().chain([None]) {
            let Some(asked) = self.post(url, &authorization, body.clone()).await else {
                return;
            };
            if let Some(wait) = wait {
                tokio::time::sleep(asked.unwrap_or(wait)).await;
            }
        }
    }

    /// `None` if it counts as delivered, which every 4xx except 429 does; else the `Retry-After` of the receiver, if any.
    async fn post(&self, url: &str, authorization: &str, body: String) -> Option<Option<Duration>> {
        let request = self
            .client
            .post(url)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/webhook+json")
            .body(body);
        let Ok(response) = request.send().await else {
            return Some(None);
        };
        let status = response.status();
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return None;
        }
        let asked = response.headers().get(header::RETRY_AFTER);
        let seconds = asked.and_then(|value| value.to_str().ok()?.parse().ok());
        Some(seconds.map(Duration::from_secs))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
