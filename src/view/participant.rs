//! A participant of a call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::participant::{Participant, ParticipantKind};

/// Somebody, or something, that was in the room.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantView<'a> {
    /// `PA_…`
    pub sid: &'a str,
    /// Unique in the room.
    pub identity: &'a str,
    /// For people; may be empty.
    pub name: &'a str,
    /// LiveKit's kind of participant.
    pub kind: ParticipantKindView,
    /// LiveKit's attributes, `sip.phoneNumber` and others.
    pub attributes: &'a BTreeMap<String, String>,
    /// The first time that it joined.
    #[schema(required = true)]
    pub joined_at: Option<Timestamp>,
    /// The last time that it left.
    #[schema(required = true)]
    pub left_at: Option<Timestamp>,
}

/// LiveKit's kinds of participants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ParticipantKind)]
pub enum ParticipantKindView {
    /// A person or a program with a client SDK.
    Standard,
    /// An agent.
    Agent,
    /// A phone call.
    Sip,
    /// A recording or a stream of the room.
    Egress,
    /// A stream into the room.
    Ingress,
    /// A call through WhatsApp or Twilio.
    Connector,
}

impl ParticipantKindView {
    /// The word of the JSON, for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            ParticipantKindView::Standard => "standard",
            ParticipantKindView::Agent => "agent",
            ParticipantKindView::Sip => "sip",
            ParticipantKindView::Egress => "egress",
            ParticipantKindView::Ingress => "ingress",
            ParticipantKindView::Connector => "connector",
        }
    }
}

impl From<ParticipantKind> for ParticipantKindView {
    fn from(kind: ParticipantKind) -> ParticipantKindView {
        match kind {
            ParticipantKind::Standard => ParticipantKindView::Standard,
            ParticipantKind::Agent => ParticipantKindView::Agent,
            ParticipantKind::Sip => ParticipantKindView::Sip,
            ParticipantKind::Egress => ParticipantKindView::Egress,
            ParticipantKind::Ingress => ParticipantKindView::Ingress,
            ParticipantKind::Connector => ParticipantKindView::Connector,
        }
    }
}

impl<'a> ParticipantView<'a> {
    /// The participant as its newest event described it.
    pub fn new(participant: &'a Participant) -> ParticipantView<'a> {
        ParticipantView {
            sid: &participant.sid,
            identity: &participant.identity,
            name: &participant.name,
            kind: participant.kind.into(),
            attributes: &participant.attributes,
            joined_at: participant.joined_at,
            left_at: participant.left_at,
        }
    }
}
