//! A running server, as tests and the demo see it: they let people come and go, and inject faults.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use livekit_protocol::{DisconnectReason, EgressStatus, S3Upload};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::beside::Beside;
use super::egress::{ABORTED, End};
use super::target::Target;
use super::token::Key;
use super::webhooks::Webhooks;
use super::world::{Person, Server, StartFault};
use super::{control, routes};

/// The project's key, and where its webhooks go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Also signs the webhooks.
    pub api_key: String,
    pub api_secret: String,
    /// Each address gets every event.
    pub webhook_urls: Vec<String>,
}

/// A running server; clones share it.
#[derive(Debug, Clone)]
pub struct LiveKit {
    address: SocketAddr,
    server: Arc<Server>,
}

/// Starts the server; port 0 picks a free one.
///
/// # Errors
/// When the address is taken, or no HTTP client can be built for the webhooks.
pub async fn start(listen: SocketAddr, options: Options) -> std::io::Result<LiveKit> {
    let server = new_server(options)?;
    let app = routes::router().merge(control::router());
    serve(listen, app.with_state(server.clone()), server).await
}

/// Starts an egress beside the real livekit-server at `url`, whose key the options have. All requests to the server can be sent
/// here: those about recordings are answered, the others are passed on. `webhook_urls` get the events of recordings; the real
/// server sends its own.
///
/// # Errors
/// As [`start`].
pub async fn start_beside(
    listen: SocketAddr,
    options: Options,
    url: &str,
) -> std::io::Result<LiveKit> {
    let key = key(&options);
    let server = new_server(options)?;
    let beside = Beside::new(server.clone(), url, key)?;
    let started = serve(listen, beside.router(), server).await?;
    tokio::spawn(beside.follow());
    Ok(started)
}

fn key(options: &Options) -> Key {
    Key {
        name: options.api_key.clone(),
        secret: options.api_secret.clone(),
    }
}

fn new_server(options: Options) -> std::io::Result<Arc<Server>> {
    // For the webhooks and the uploads.
    crate::install_crypto();
    let (key, stopped) = (key(&options), CancellationToken::new());
    let webhooks = Webhooks::new(key.clone(), options.webhook_urls, stopped.clone())?;
    Ok(Arc::new(Server::new(key, webhooks, stopped)))
}

async fn serve(listen: SocketAddr, app: Router, server: Arc<Server>) -> std::io::Result<LiveKit> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let stopped = server.stopped.clone().cancelled_owned();
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopped);
    tokio::spawn(serving.into_future());
    Ok(LiveKit { address, server })
}

/// What rooms, people and egresses do.
impl LiveKit {
    /// `http://IP:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens a room and returns its sid; an open room with this name stays as it is.
    pub fn open_room(&self, name: &str) -> String {
        self.open_room_with(name, "")
    }

    /// [`LiveKit::open_room`] with metadata.
    pub fn open_room_with(&self, name: &str, metadata: &str) -> String {
        self.server.open_room(name, metadata, None, None).sid
    }

    /// Takes over a room that a real livekit-server has opened, so that it can be recorded here. Sends no webhook.
    pub fn adopt_room(&self, name: &str, sid: &str) {
        self.server.adopt_room(name, sid);
    }

    /// A person joins. This and the methods below do nothing if no such room is open.
    pub fn join(&self, room: &str, person: Person) {
        self.server.join(room, person);
    }

    /// A simulated caller joins: its kind detail is SIMULATION.
    pub fn join_simulator(&self, room: &str, identity: &str) {
        self.server.join_simulator(room, identity);
    }

    /// A person leaves.
    pub fn leave(&self, room: &str, identity: &str) {
        self.server
            .leave(room, identity, DisconnectReason::ClientInitiated);
    }

    /// Somebody publishes sound: the egress of this room becomes ACTIVE, now or when it starts.
    pub fn speak(&self, room: &str) {
        self.server.speak(room);
    }

    /// Everybody leaves and the room ends. Its egresses end COMPLETE after the upload, or ABORTED if nobody spoke.
    pub fn close_room(&self, room: &str) {
        self.server
            .close_room(room, DisconnectReason::ClientInitiated);
    }

    /// Ends the egress LIMIT_REACHED, as LiveKit Cloud does after three hours; its file is uploaded.
    pub fn egress_limit_reached(&self, egress_id: &str) {
        self.server.end_egress(egress_id, End::LimitReached);
    }

    /// The egress ends FAILED while its room is open, without a file.
    pub fn fail_egress(&self, egress_id: &str, error: &str, code: i32) {
        let end = (EgressStatus::EgressFailed, error, code);
        self.server.break_egress(egress_id, end);
    }

    /// The egress ends ABORTED, as one that never got a start signal.
    pub fn abort_egress(&self, egress_id: &str) {
        self.server.break_egress(egress_id, ABORTED);
    }

    /// Kills the process of the egress: it leaves the room, keeps its state for ever and sends no more webhooks.
    pub fn crash_egress(&self, egress_id: &str) {
        self.server.crash_egress(egress_id);
    }

    /// A participant publishes a microphone that nothing is heard from yet.
    pub fn publish(&self, room: &str, identity: &str) {
        self.server.publish(room, identity);
    }

    /// Kills the egress worker: the egress keeps its state for ever and sends no more webhooks.
    pub fn kill_egress(&self, egress_id: &str) {
        self.server.kill_egress(egress_id);
    }
}

/// What a test sets and reads.
impl LiveKit {
    /// Sends later events to these addresses.
    pub fn set_webhook_urls(&self, urls: Vec<String>) {
        self.server.webhooks.set_urls(urls);
    }

    /// Signs later webhooks with another key of the project, which LiveKit's settings allow.
    pub fn sign_webhooks_with(&self, api_key: &str, api_secret: &str) {
        let key = Key {
            name: api_key.to_owned(),
            secret: api_secret.to_owned(),
        };
        self.server.keys.add(key.clone());
        self.server.webhooks.sign_with(key);
    }

    /// Deletes a key of the project: its tokens are refused from now on.
    pub fn delete_key(&self, api_key: &str) {
        self.server.keys.delete(api_key);
    }

    /// While true, events are lost: they are never sent.
    pub fn lose_webhooks(&self, lose: bool) {
        self.server.webhooks.lose(lose);
    }

    /// Makes the next `times` starts of an egress fail.
    pub fn fail_next_start(&self, times: usize, fault: StartFault) {
        self.server
            .world()
            .faults
            .extend(std::iter::repeat_n(fault, times));
    }

    /// While true, ListParticipants answers 503.
    pub fn fail_participants(&self, fail: bool) {
        self.server.world().participants_fail = fail;
    }

    /// Sets the length of every recording that ends later; by default the time for which it really ran.
    pub fn set_recording_length(&self, length: Duration) {
        self.server.world().recording_length = Some(length);
    }

    /// Sets the file of every recording that ends later, an MP3 of this length; by default it is silent.
    pub fn set_recording(&self, mp3: &[u8], length: Duration) {
        let mut world = self.server.world();
        world.recording = Some(mp3.into());
        world.recording_length = Some(length);
    }

    /// The storage of the egress service itself, for requests that name none.
    pub fn set_default_storage(&self, storage: S3Upload) {
        self.server.world().default_storage = Some(storage);
    }

    /// The `prefix` of the egress service's storage configuration: before the key of every upload, and not in `filename`.
    pub fn set_storage_prefix(&self, prefix: &str) {
        prefix.clone_into(&mut self.server.world().storage_prefix);
    }

    /// While true, the egress service has a backup storage: an upload that fails ends there.
    pub fn set_backup_storage(&self, has_backup: bool) {
        self.server.world().has_backup = has_backup;
    }

    /// Restarts the egress worker that shut itself down because of Opus in an MP3.
    pub fn restart_egress_worker(&self) {
        self.server.world().worker_down = false;
    }

    /// Every start request with a valid token, refused ones included: its time and room name.
    #[must_use]
    pub fn starts(&self) -> Vec<(Instant, String)> {
        self.server.world().starts.clone()
    }

    /// Bucket, key and addressing of every egress that was started with a bucket of S3's kind, oldest first.
    #[must_use]
    pub fn upload_targets(&self) -> Vec<S3Upload> {
        let world = self.server.world();
        let targets = world.egresses.iter().map(|egress| &egress.target);
        let buckets = targets.filter_map(|target| match target {
            Some(Target::S3(upload)) => Some((**upload).clone()),
            _ => None,
        });
        buckets.collect()
    }

    /// Closes the socket and drops all queued webhooks.
    pub fn stop(&self) {
        self.server.stopped.cancel();
    }
}
