//! What others told us, read: the one input of [`apply`](super::apply).

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    participant::Participant,
    recording::{Object, Recording},
    stored::Stored,
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
    Stored(Box<Stored>),
    /// What the agent said at the end of its session.
    Report { room: Room, report: Arc<Report> },
    /// Somebody asked for a recording, or for its end.
    Request { room: Room, request: Request },
    /// What we found out ourselves.
    Observation {
        call_id: String,
        observation: Observation,
    },
    /// Understood, and no call's business: unknown events, ingress, dashboard tests without a room.
    Nothing,
}

/// The room an event names, as far as it names it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Room {
    /// `RM_…`; empty when only the name is known.
    #[serde(default)]
    pub sid: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub metadata: String,
    /// The agent's job in it, as agent_job_* events tell it.
    #[serde(default)]
    pub job: Job,
    /// `creationTimeMs`, or `creationTime` in whole seconds.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// An agent's job. Ordered, so that of two that were told at one time either order of arrival keeps the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Job {
    /// `AJ_…`
    pub id: String,
    /// What the agent was dispatched with.
    pub metadata: String,
}

/// A wish of `POST /v1/recordings` or `record start|stop`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    Start {
        /// Fills `{room_id}` of the path, as the seed's `ctx.job.id` does.
        path_id: Option<String>,
        /// Recordings that had ended when this was asked: they do not fulfil it.
        ended: BTreeSet<String>,
    },
    Stop {
        egress_id: String,
    },
}

/// What a sink or reconcile found out about a call; goes through the inbox like everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Observation {
    /// ListRooms does not know the room any more.
    RoomGone,
    /// LiveKit did not start the recording. `over`: nobody will try again.
    NotStarted {
        error: String,
        /// LiveKit answered that there is no such room.
        #[serde(default)]
        no_room: bool,
        over: bool,
    },
    /// The bucket was asked for the recording's object.
    Object { egress_id: String, object: Object },
    /// The whole text of a long transcript lies in the bucket.
    TranscriptKept { key: String },
    /// The egress was not heard of again after its room had ended.
    EgressLost { egress_id: String },
}

impl EventPayload {
    /// The room that the fact names, for observation its call.
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

    /// The egress that the fact is about, for observation its call when no room is named.
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
