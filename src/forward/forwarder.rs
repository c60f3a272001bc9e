//! Sends copies on, a few at a time.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    copy::{BodyCopy, Destination},
    file_body::FileBody,
};
use crate::{
    spool::{Content, Incoming, Spool},
    telemetry::LogThrottle,
};

/// Copies that are sent at once.
const AT_ONCE: usize = 4;
/// Copies that are sent or wait; further ones are dropped.
const MOST: usize = 64;
/// How long a small body may take; a larger one gets more.
const LEAST: Duration = Duration::from_secs(60);
/// Bytes per second below which a body is given up.
const PACE: u64 = 256 << 10;

/// Where to send, and from where.
pub struct Config {
    /// `https://host`, without a path.
    pub base: String,
    /// Where the copies are.
    pub spool: Spool,
    /// For the tasks that send.
    pub tasks: TaskTracker,
    /// Cancelled: nothing more is sent.
    pub stop: CancellationToken,
}

/// Sends copies on; clones share their bounds.
#[derive(Clone)]
pub struct Forwarder(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    config: Config,
    places: Arc<Semaphore>,
    sending: Semaphore,
    log: LogThrottle,
}

/// What became of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Forwarded,
    /// It was sent, and not accepted.
    Failed,
    /// It was not sent, or not completely: there was no room, or the service stopped.
    Dropped,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Forwarded => "forwarded",
            Outcome::Failed => "failed",
            Outcome::Dropped => "dropped",
        }
    }
}

fn count(outcome: Outcome) {
    let outcome = outcome.as_str();
    metrics::counter!("livekit_airtable_uploads_forwarded_total", "outcome" => outcome)
        .increment(1);
}

impl Forwarder {
    /// `http` must not follow redirects: the token would travel with them.
    pub fn new(config: Config, http: reqwest::Client) -> Forwarder {
        Forwarder(Arc::new(Inner {
            http,
            config,
            places: Arc::new(Semaphore::new(MOST)),
            sending: Semaphore::new(AT_ONCE),
            log: LogThrottle::default(),
        }))
    }

    /// Begins the copy of a body; `id` names its file.
    pub fn begin(&self, id: &str) -> BodyCopy {
        BodyCopy::new(self.0.config.spool.begin(id, Content::Audio))
    }

    /// Sends a complete copy on, later.
    pub fn send(&self, copy: BodyCopy, destination: Destination) {
        let place = self.0.places.clone().try_acquire_owned();
        let (Some(file), Ok(place)) = (copy.into_file(), place) else {
            self.0.drop_for("there are too many, or too large ones");
            return;
        };
        let inner = self.0.clone();
        let sent = async move { inner.send(file, destination, place).await };
        self.0.config.tasks.spawn(sent);
    }
}

impl Inner {
    async fn send(&self, file: Incoming, destination: Destination, _place: OwnedSemaphorePermit) {
        let stop = &self.config.stop;
        match stop.run_until_cancelled(self.post(file, destination)).await {
            Some(Ok(())) => {
                count(Outcome::Forwarded);
                if self.log.should_log_recovery().is_some() {
                    tracing::info!("uploads of agents are forwarded to LiveKit again");
                }
            }
            Some(Err(error)) => {
                count(Outcome::Failed);
                self.warn(&error);
            }
            None => self.drop_for("the service stops"),
        }
    }

    /// Sends it once. The error is for people.
    async fn post(&self, mut file: Incoming, destination: Destination) -> Result<(), String> {
        let _turn = self.sending.acquire().await;
        let bytes = file.bytes();
        let copy = file.reopen().await;
        let copy = copy.map_err(|_| "its copy could not be read".to_owned())?;
        let url = format!("{}{}", self.config.base, destination.path);
        let request = self.http.post(url).headers(destination.headers);
        let request = request
            .timeout(LEAST + Duration::from_secs(bytes / PACE))
            .body(reqwest::Body::wrap(FileBody::new(copy, bytes)));
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("LiveKit answered {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err("LiveKit does not respond in time".into()),
            Err(error) if error.is_connect() => Err("LiveKit cannot be reached".into()),
            Err(_) => Err("LiveKit closed the connection without a response".into()),
        }
    }

    fn drop_for(&self, why: &str) {
        count(Outcome::Dropped);
        self.warn(why);
    }

    fn warn(&self, why: &str) {
        if let Some(suppressed) = self.log.should_log(why) {
            tracing::warn!(
                why,
                suppressed,
                "an upload was not forwarded to LiveKit's insights, and will not be; it is stored here"
            );
        }
    }
}
