//! Events: parsed messages from others, the only input of [`apply`](super::apply).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    agent_audio::{ReportedAudio, UploadId},
    alignment::Alignment,
    bucket_recording::BucketRecording,
    destination::Destination,
    id::{CallId, EgressId, RoomName},
    id_rules::is_id,
    object::Object,
    participant::Participant,
    project::{Claim, Signer},
    recording::Recording,
    room::Room,
    room_end::RoomEnd,
    start_refusal::StartRefusal,
    transcript::ReportFacts,
};

/// One parsed inbox message.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it was stored, by our clock.
    pub received_at: Timestamp,
    pub source: EventSource,
    pub payload: EventPayload,
}

/// The source of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSource {
    /// A LiveKit webhook, signed with this API key, as an earlier version stored it.
    Webhook { key: String },
    /// A webhook, or an agent's report, signed with a key whose project is known.
    Signed(Signer),
    /// LiveKit's API, called with LIVEKIT_API_KEY, which only shows its own project.
    Api,
    /// Agents, people, and our own observations.
    Others,
}

impl EventSource {
    /// The calls on which it may act; `None`: nobody knows yet whose key has signed it.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            EventSource::Signed(signer) => signer.claim(),
            EventSource::Api => Some(Claim::Ours),
            EventSource::Webhook { .. } | EventSource::Others => Some(Claim::Any),
        }
    }
}

/// What an inbox message says about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum EventPayload {
    /// The room was open when this was sent (`room_started`, any participant or track event, ListRooms).
    RoomSeen { room: Room, at: Timestamp },
    /// `room_finished`.
    RoomFinished {
        room: Room,
        at: Timestamp,
        /// Why, where LiveKit says so.
        end: Option<RoomEnd>,
    },
    /// `participant_joined` or `participant_left`.
    Participant {
        room: Room,
        participant: Participant,
        at: Timestamp,
    },
    /// `track_published` of an audio track.
    AudioPublished {
        room: Room,
        voice: Box<Voice>,
        at: Timestamp,
    },
    /// Any egress_* webhook, an answer of StartEgress, an entry of ListEgress.
    Egress {
        room: Room,
        recording: Box<Recording>,
        destination: Destination,
    },
    /// A recording in the bucket that no egress reported.
    Stored(Box<BucketRecording>),
    /// An agent's report at the end of its session.
    Report {
        room: Room,
        /// Its words stay in the inbox.
        facts: ReportFacts,
        /// The room that the sender's token is for: the report is no other room's. `None`: it may be any room's.
        authorized_room: Option<RoomName>,
        /// The audio that was uploaded with it.
        audio: Option<(UploadId, ReportedAudio)>,
    },
    /// A request to start or stop a recording, or to try a refused start again.
    Request { room: Room, request: Request },
    /// An observation of our own.
    Observation {
        call_id: CallId,
        observation: Observation,
    },
    /// Valid, but about no call: unknown events, ingress, dashboard tests without a room.
    Nothing,
}

/// Who published an audio track.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// The participant's sid.
    pub sid: String,
    /// The participant, if the event says of what kind it is; livekit-server sends only its sid and identity.
    pub participant: Option<Participant>,
}

/// A request from `POST /v1/recordings`, `record start|stop` or `redrive`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    Start {
        /// Fills `{room_id}` of the path, for agents that name files by their job.
        path_id: Option<String>,
        /// Recordings that had ended when this was requested: they do not fulfil the request.
        ended: BTreeSet<EgressId>,
    },
    Stop {
        egress_id: EgressId,
    },
    /// The start that LiveKit refused for good is sent again.
    Retry,
}

/// An observation of a sink or of reconcile; goes through the inbox like any other message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Observation {
    /// ListRooms lacks the room. One such answer may be wrong.
    RoomMissing,
    /// The room has closed: several answers of LiveKit agree on that.
    RoomGone,
    /// LiveKit did not start the recording.
    NotStarted {
        /// Why, for people.
        error: String,
        #[serde(flatten)]
        refusal: StartRefusal,
    },
    /// The bucket was checked for the recording's object.
    Object { egress_id: EgressId, object: Object },
    /// The full text of a long transcript is in the bucket.
    TranscriptKept { key: String },
    /// The egress will report nothing more: its room ended long ago, or its process died.
    EgressLost { egress_id: EgressId },
    /// Lists of the open room's participants lack the egress, which was in it.
    RecorderGone { egress_id: EgressId },
    /// This service started the egress.
    Started { egress_id: EgressId },
    /// A recording was listened to: how the times of the reports fit its sound.
    Aligned { alignment: Alignment },
    /// The audio of an upload is not waited for any more.
    AudioGone {
        message_id: String,
        /// Nobody needs it; otherwise it did not reach the bucket in time.
        #[serde(default)]
        is_needless: bool,
    },
    /// The bucket did not take the audio of an upload. It is tried again.
    AudioNotStored {
        message_id: String,
        /// Why, for people.
        error: String,
    },
    /// Another call claims the same object in the bucket.
    KeyContested { key: String, by: CallId },
    /// This service's egress is stopped because another program also records the call.
    Superseded { egress_id: EgressId, by: EgressId },
}

/// An ID that has characters which none of LiveKit's has, or too many. Its text is not shown: it may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error(
        "the room's ID is not one of LiveKit's: it has other characters than letters, digits, _ and -, or more than 64"
    )]
    Room,
    #[error(
        "the egress' ID is not one of LiveKit's: it has other characters than letters, digits, _ and -, or more than 64"
    )]
    Egress,
}

impl EventPayload {
    /// The room that the message names, which identifies its call.
    pub fn room(&self) -> Option<&Room> {
        match self {
            EventPayload::RoomSeen { room, .. }
            | EventPayload::RoomFinished { room, .. }
            | EventPayload::Participant { room, .. }
            | EventPayload::AudioPublished { room, .. }
            | EventPayload::Egress { room, .. }
            | EventPayload::Report { room, .. }
            | EventPayload::Request { room, .. } => Some(room),
            EventPayload::Stored(stored) => Some(&stored.room),
            EventPayload::Observation { .. } | EventPayload::Nothing => None,
        }
    }

    /// Which ID of the message none of LiveKit's can be; `None`: all are good.
    pub fn invalid_id(&self) -> Option<InvalidId> {
        let is_invalid = |id: &str| !id.is_empty() && !is_id(id);
        let room = self.room().map_or("", |room| room.sid.as_str());
        match () {
            () if is_invalid(room) => Some(InvalidId::Room),
            () if is_invalid(self.egress_id().unwrap_or_default()) => Some(InvalidId::Egress),
            () => None,
        }
    }

    /// The egress that the message is about, which identifies its call when no room is named.
    pub fn egress_id(&self) -> Option<&str> {
        match self {
            EventPayload::Egress { recording, .. } => Some(&recording.egress_id),
            EventPayload::Request {
                request: Request::Stop { egress_id },
                ..
            } => Some(egress_id),
            _ => None,
        }
    }
}
