//! What exists: rooms with people in them, and egresses.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use livekit_protocol as proto;
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::token::Key;
use super::webhooks::Webhooks;

#[derive(Debug)]
pub struct Server {
    pub key: Key,
    pub webhooks: Webhooks,
    pub stopped: CancellationToken,
    world: Mutex<World>,
}

#[derive(Debug, Default)]
pub struct World {
    /// Open rooms by name.
    pub rooms: BTreeMap<String, OpenRoom>,
    /// All egresses, ended ones too, oldest first.
    pub egresses: Vec<Egress>,
    pub faults: VecDeque<StartFault>,
    pub worker_down: bool,
    /// ListParticipants answers 503.
    pub participants_fail: bool,
    pub recording_length: Option<Duration>,
    pub starts: Vec<(Instant, String)>,
}

#[derive(Debug)]
pub struct OpenRoom {
    pub room: proto::Room,
    pub people: Vec<proto::ParticipantInfo>,
    pub spoken: bool,
}

#[derive(Debug)]
pub struct Egress {
    /// As it is shown, the storage's keys taken out.
    pub info: proto::EgressInfo,
    /// With the storage's keys.
    pub target: Option<proto::S3Upload>,
    pub active_since: Option<Instant>,
    /// Nothing that happens to the room moves it any more: its machine died, or its pipeline is about to fail.
    pub stuck: bool,
}

/// How a start of an egress goes wrong.
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
    /// The egress starts, and the answer comes so much later.
    Slow(Duration),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Standard,
    Agent,
    /// A caller by phone.
    Sip,
}

/// Who joins a room.
#[derive(Debug, Clone)]
pub struct Person {
    pub identity: String,
    pub name: String,
    pub kind: Kind,
    /// A phone caller's are `sip.phoneNumber`, `sip.trunkPhoneNumber`, `sip.callID`.
    pub attributes: Vec<(String, String)>,
}

impl Server {
    pub fn new(key: Key, webhooks: Webhooks, stopped: CancellationToken) -> Self {
        Self {
            key,
            webhooks,
            stopped,
            world: Mutex::default(),
        }
    }

    /// Never held over an await; events are queued while it is held, which keeps them in order.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub fn egress(&mut self, egress_id: &str) -> Option<&mut Egress> {
        self.egresses
            .iter_mut()
            .find(|egress| egress.info.egress_id == egress_id)
    }
}

impl Egress {
    pub fn runs(&self) -> bool {
        matches!(
            self.info.status(),
            proto::EgressStatus::EgressStarting | proto::EgressStatus::EgressActive
        )
    }

    /// Changes the one file, in both places where LiveKit tells it.
    #[expect(
        deprecated,
        reason = "LiveKit still sends the `file` beside `file_results`"
    )]
    pub fn set_file(&mut self, change: impl FnOnce(&mut proto::FileInfo)) {
        let mut file = self.info.file_results.pop().unwrap_or_default();
        change(&mut file);
        self.info.result = Some(proto::egress_info::Result::File(file.clone()));
        self.info.file_results = vec![file];
    }
}
