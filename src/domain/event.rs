//! What others told us, read: the one input of [`apply`](super::apply).

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    bucket_recording::BucketRecording,
    id::{CallId, EgressId},
    object::Object,
    participant::Participant,
    recording::Recording,
    room::Room,
    start_refusal::StartRefusal,
    transcript::Report,
};

/// One inbox row, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it was put on our disk, by our clock.
    pub received_at: Timestamp,
    pub source: EventSource,
    pub payload: EventPayload,
}

/// Who told us an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSource {
    /// LiveKit, in a webhook that this API key signed.
    Webhook { key: String },
    /// LiveKit, when it was asked with LIVEKIT_API_KEY: a key sees its own project alone.
    Api,
    /// Agents, people, and what we found out.
    Others,
}

/// What an inbox row says about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum EventPayload {
    /// The room was open when this was sent (`room_started`, any participant or track event, ListRooms).
    RoomSeen { room: Room, at: Timestamp },
    /// `room_finished`.
    RoomFinished { room: Room, at: Timestamp },
    /// `participant_joined` or `participant_left`.
    Participant {
        room: Room,
        participant: Participant,
        at: Timestamp,
    },
    /// Any egress_* webhook, an answer of StartEgress, a row of ListEgress.
    Egress {
        room: Room,
        recording: Box<Recording>,
    },
    /// A recording that lies in the bucket, and that no egress told of.
    Stored(Box<BucketRecording>),
    /// What the agent said at the end of its session.
    Report { room: Room, report: Arc<Report> },
    /// Somebody asked for a recording, or for its end.
    Request { room: Room, request: Request },
    /// What we found out ourselves.
    Observation {
        call_id: CallId,
        observation: Observation,
    },
    /// Understood, and no call's business: unknown events, ingress, dashboard tests without a room.
    Nothing,
}

/// A wish of `POST /v1/recordings` or `record start|stop`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    Start {
        /// Fills `{room_id}` of the path, as the seed's `ctx.job.id` does.
        path_id: Option<String>,
        /// Recordings that had ended when this was asked: they do not fulfil it.
        ended: BTreeSet<EgressId>,
    },
    Stop {
        egress_id: EgressId,
    },
}

/// What a sink or reconcile found out about a call; goes through the inbox like everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Observation {
    /// ListRooms does not know the room any more.
    RoomGone,
    /// LiveKit did not start the recording.
    NotStarted {
        /// For people.
        error: String,
        #[serde(flatten)]
        refusal: StartRefusal,
    },
    /// The bucket was asked for the recording's object.
    Object { egress_id: EgressId, object: Object },
    /// The whole text of a long transcript lies in the bucket.
    TranscriptKept { key: String },
    /// The egress was not heard of again after its room had ended.
    EgressLost { egress_id: EgressId },
}

impl EventPayload {
    /// The room that the message names, which tells its call.
    pub fn room(&self) -> Option<&Room> {
        match self {
            EventPayload::RoomSeen { room, .. }
            | EventPayload::RoomFinished { room, .. }
            | EventPayload::Participant { room, .. }
            | EventPayload::Egress { room, .. }
            | EventPayload::Report { room, .. }
            | EventPayload::Request { room, .. } => Some(room),
            EventPayload::Stored(stored) => Some(&stored.room),
            EventPayload::Observation { .. } | EventPayload::Nothing => None,
        }
    }

    /// The egress that the message is about, which tells its call when no room is named.
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
