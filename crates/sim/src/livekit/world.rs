//! The state of the server: rooms with their participants, and egresses.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use livekit_protocol as proto;
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::target::Target;
use super::token::{Key, Keys};
use super::upload::Upload;
use super::webhooks::Webhooks;

/// The server: keys, webhooks and state.
#[derive(Debug)]
pub(super) struct Server {
    pub keys: Keys,
    pub webhooks: Webhooks,
    pub stopped: CancellationToken,
    world: Mutex<World>,
}

/// Everything that changes, and the settings of a test.
#[derive(Debug, Default)]
pub(super) struct World {
    /// Open rooms by name.
    pub rooms: BTreeMap<String, OpenRoom>,
    /// All egresses, ended ones too, oldest first.
    pub egresses: Vec<Egress>,
    /// How the next starts fail.
    pub faults: VecDeque<StartFault>,
    /// The egress worker has shut itself down.
    pub worker_down: bool,
    /// Whether ListParticipants answers 503.
    pub participants_fail: bool,
    /// The egress service's own storage, for requests that name none; None: its disk.
    pub default_storage: Option<proto::S3Upload>,
    /// The prefix of the egress service's storage, before the key of every upload.
    pub storage_prefix: String,
    /// Whether the egress service has a backup storage for uploads that fail.
    pub has_backup: bool,
    /// The length of every recording; None: as long as it ran.
    pub recording_length: Option<Duration>,
    /// The file of every recording; None: a silent one of its length.
    pub recording: Option<Arc<[u8]>>,
    /// The time and room name of every start request with a valid token.
    pub starts: Vec<(Instant, String)>,
}

/// A room with its participants.
#[derive(Debug)]
pub(super) struct OpenRoom {
    pub room: proto::Room,
    pub people: Vec<proto::ParticipantInfo>,
    /// Whether somebody has published sound.
    pub spoken: bool,
}

/// An egress, running or ended.
#[derive(Debug)]
pub(super) struct Egress {
    /// As answers and webhooks show it: without the storage's keys.
    pub info: proto::EgressInfo,
    /// Where its file goes; None without a file.
    pub target: Option<Target>,
    pub active_since: Option<Instant>,
    /// It ignores what happens to the room: its worker died, or its pipeline is about to fail.
    pub stuck: bool,
}

/// How a start of an egress fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFault {
    /// 503: no egress worker is free.
    Unavailable,
    /// 401 with a plain body that repeats the token.
    Unauthorized,
    /// 400 invalid_argument.
    BadRequest,
    /// The egress starts, and the connection breaks before the answer.
    LostAnswer,
    /// The egress starts, and the answer comes after this time.
    Slow(Duration),
}

/// The kind of a participant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Standard,
    Agent,
    /// A phone caller.
    Sip,
    /// A caller by WhatsApp or Twilio.
    Connector,
}

/// A person who joins a room.
#[derive(Debug, Clone)]
pub struct Person {
    pub identity: String,
    pub name: String,
    pub kind: Kind,
    /// A phone caller has `sip.phoneNumber`, `sip.trunkPhoneNumber`, `sip.callID`.
    pub attributes: Vec<(String, String)>,
}

impl Server {
    /// A server without rooms.
    pub(super) fn new(key: Key, webhooks: Webhooks, stopped: CancellationToken) -> Self {
        Self {
            keys: Keys::new(key),
            webhooks,
            stopped,
            world: Mutex::default(),
        }
    }

    /// Locks the state. Never held over an await; events are queued under the lock, which keeps them in order.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Finds an egress by id.
    pub(super) fn egress(&mut self, egress_id: &str) -> Option<&mut Egress> {
        self.egresses
            .iter_mut()
            .find(|egress| egress.info.egress_id == egress_id)
    }
}

impl Egress {
    /// Whether it is STARTING or ACTIVE.
    pub(super) fn runs(&self) -> bool {
        matches!(
            self.info.status(),
            proto::EgressStatus::EgressStarting | proto::EgressStatus::EgressActive
        )
    }

    /// The upload of its file, so long and with this content.
    pub(super) fn upload(&self, length: Duration, recording: Option<Arc<[u8]>>) -> Option<Upload> {
        let file = self.info.file_results.first();
        Some(Upload {
            target: self.target.clone()?,
            key: file.map(|file| file.filename.clone()).unwrap_or_default(),
            length,
            recording,
        })
    }

    /// Changes the file in both fields in which LiveKit reports it.
    #[expect(
        deprecated,
        reason = "LiveKit still sends the `file` beside `file_results`"
    )]
    pub(super) fn set_file(&mut self, change: impl FnOnce(&mut proto::FileInfo)) {
        let mut file = self.info.file_results.pop().unwrap_or_default();
        change(&mut file);
        self.info.result = Some(proto::egress_info::Result::File(file.clone()));
        self.info.file_results = vec![file];
    }
}
