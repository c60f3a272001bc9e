//! A participant of a call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::participant::{Kind, Participant};

/// Somebody, or something, that was in the room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParticipantView<'a> {
    /// `PA_…`
    pub sid: &'a str,
    pub identity: &'a str,
    pub name: &'a str,
    pub kind: ParticipantKindView,
    pub attributes: &'a BTreeMap<String, String>,
    pub joined_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
}

/// LiveKit's kinds of participants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantKindView {
    Standard,
    Agent,
    Sip,
    Egress,
    Ingress,
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
        }
    }
}

impl From<Kind> for ParticipantKindView {
    fn from(kind: Kind) -> ParticipantKindView {
        match kind {
            Kind::Standard => ParticipantKindView::Standard,
            Kind::Agent => ParticipantKindView::Agent,
            Kind::Sip => ParticipantKindView::Sip,
            Kind::Egress => ParticipantKindView::Egress,
            Kind::Ingress => ParticipantKindView::Ingress,
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
