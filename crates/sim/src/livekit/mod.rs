//! A stand-in for livekit-server and its egress on a real socket: the Twirp methods that recordings need, signed webhooks with LiveKit's
//! retries and losses, and an egress that really uploads an MP3. What it does on the wire follows bodies captured from the real ones.
//!
//! Rooms, people and sound do not come by WebRTC here: a test or the demo plays them with the methods of [`LiveKit`], and
//! other programs with the requests of `control`.

mod clock;
mod control;
mod egress;
mod json;
mod messages;
mod request;
mod rooms;
mod routes;
mod token;
mod twirp;
mod upload;
mod webhooks;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use livekit_protocol::DisconnectReason;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::egress::End;
use self::token::Key;
use self::webhooks::Webhooks;
use self::world::Server;
pub use self::world::{Kind, Person, StartFault};

#[derive(Debug, Clone)]
pub struct Options {
    pub api_key: String,
    pub api_secret: String,
    /// Every one of them gets every event.
    pub webhook_urls: Vec<String>,
}

/// A running server; clones are the same one.
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
    // reqwest and the S3 client need it; a second call changes nothing.
    crate::install_crypto();
    let key = Key {
        name: options.api_key,
        secret: options.api_secret,
    };
    let stopped = CancellationToken::new();
    let webhooks = Webhooks::new(key.clone(), options.webhook_urls, stopped.clone())?;
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let server = Arc::new(Server::new(key, webhooks, stopped.clone()));
    let app = routes::router().merge(control::router());
    let app = app.with_state(server.clone());
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned());
    tokio::spawn(serving.into_future());
    Ok(LiveKit { address, server })
}

/// What happens in the world.
impl LiveKit {
    /// `http://IP:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens a room and returns its sid; an open one of this name stays as it is.
    pub fn open_room(&self, name: &str) -> String {
        self.open_room_with(name, "")
    }

    pub fn open_room_with(&self, name: &str, metadata: &str) -> String {
        self.server.open_room(name, metadata, None, None).sid
    }

    /// Takes over a room that a real livekit-server opened, so that it can be recorded here; nobody is told.
    pub fn adopt_room(&self, name: &str, sid: &str) {
        self.server.adopt_room(name, sid);
    }

    /// Does nothing when no room of this name is open, as all that follows.
    pub fn join(&self, room: &str, person: Person) {
        self.server.join(room, person);
    }

    pub fn leave(&self, room: &str, identity: &str) {
        self.server
            .leave(room, identity, DisconnectReason::ClientInitiated);
    }

    /// Sound arrives: an egress of this room goes ACTIVE, now or when it starts.
    pub fn speak(&self, room: &str) {
        self.server.speak(room);
    }

    /// Everybody leaves, the room ends, and its egresses end: COMPLETE after the upload, or ABORTED when nobody ever spoke.
    pub fn close_room(&self, room: &str) {
        self.server
            .close_room(room, DisconnectReason::ClientInitiated);
    }

    /// As LiveKit Cloud does after three hours: the egress ends LIMIT_REACHED, and its file is there.
    pub fn egress_limit_reached(&self, egress_id: &str) {
        self.server.end_egress(egress_id, End::LimitReached);
    }

    /// The egress's machine dies: it keeps its state for ever and tells nobody.
    pub fn kill_egress(&self, egress_id: &str) {
        self.server.kill_egress(egress_id);
    }
}

/// What a test turns, and what it looks at.
impl LiveKit {
    pub fn set_webhook_urls(&self, urls: Vec<String>) {
        self.server.webhooks.set_urls(urls);
    }

    /// From now on another key of the project signs the webhooks, as one chooses in LiveKit's settings.
    pub fn sign_webhooks_with(&self, api_key: &str, api_secret: &str) {
        self.server.webhooks.sign_with(Key {
            name: api_key.to_owned(),
            secret: api_secret.to_owned(),
        });
    }

    /// While true, no event that happens is ever sent.
    pub fn lose_webhooks(&self, lose: bool) {
        self.server.webhooks.lose(lose);
    }

    /// The next `times` starts of an egress go wrong.
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

    /// Length of every recording that ends from now on; without it the time for which it really ran.
    pub fn set_recording_length(&self, length: Duration) {
        self.server.world().recording_length = Some(length);
    }

    /// Brings back the egress worker that shut itself down over Opus in an MP3.
    pub fn restart_egress_worker(&self) {
        self.server.world().worker_down = false;
    }

    /// Each request to start an egress with a good token, answered or refused: when it came, and for which room.
    #[must_use]
    pub fn starts(&self) -> Vec<(Instant, String)> {
        self.server.world().starts.clone()
    }

    /// Closes the socket and forgets all webhooks that still wait.
    pub fn stop(&self) {
        self.server.stopped.cancel();
    }
}
