//! An inbox message: its types, and how its row is read.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};
use uuid::Uuid;

use super::{error::Result, sql::time, unknown::UnknownValue};
use crate::domain::{Signer, Standing, UnknownName, by_name, is_id};

/// The columns that [`read`] takes.
pub(super) const COLUMNS: &str =
    "id, kind, call_id, signed_by, project, encoding, body, received_at";

/// How a message's body is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A LiveKit webhook with a verified signature.
    Webhook,
    /// A transcript that an agent sent.
    Report,
    /// A request to start or stop a recording.
    Request,
    /// An EgressInfo from LiveKit's API.
    Egress,
    /// A room from LiveKit's API.
    Room,
    /// A ParticipantInfo from LiveKit's API, with its room.
    Participant,
    /// An observation of a sink or of reconcile.
    Observation,
    /// An object in the bucket that `backfill` found.
    Object,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [MessageKind; 8] = [
        MessageKind::Webhook,
        MessageKind::Report,
        MessageKind::Request,
        MessageKind::Egress,
        MessageKind::Room,
        MessageKind::Participant,
        MessageKind::Observation,
        MessageKind::Object,
    ];

    /// The name in the column `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageKind::Webhook => "webhook",
            MessageKind::Report => "report",
            MessageKind::Request => "request",
            MessageKind::Egress => "egress",
            MessageKind::Room => "room",
            MessageKind::Participant => "participant",
            MessageKind::Observation => "finding",
            MessageKind::Object => "object",
        }
    }
}

impl FromStr for MessageKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> std::result::Result<MessageKind, UnknownName> {
        by_name(&MessageKind::ALL, MessageKind::as_str, name)
    }
}

/// Anything that we received, as it is stored before it is acknowledged.
#[derive(Debug, Clone)]
pub struct InboxMessage {
    /// A UUID that sorts by time, and so the order in which messages are processed.
    pub id: String,
    /// How the body is to be read.
    pub kind: MessageKind,
    /// Two messages with the same key are one; `None`: its own id.
    pub dedupe: Option<String>,
    /// The call that it belongs to, when that is known on arrival.
    pub call_id: Option<String>,
    /// The sid of the room that it is about, if it says so: messages of one room are processed together.
    pub room_sid: Option<String>,
    /// The API key whose signature of a webhook or report was valid.
    pub signed_by: Option<String>,
    /// What was known of that key; `None`: nobody signed the message, or an earlier version stored it.
    pub standing: Option<Standing>,
    /// As it was received.
    pub body: Vec<u8>,
    /// By our clock.
    pub received_at: Timestamp,
}

impl InboxMessage {
    /// A message with an id of its own.
    pub fn new(kind: MessageKind, body: impl Into<Vec<u8>>, now: Timestamp) -> InboxMessage {
        InboxMessage {
            id: Uuid::now_v7().to_string(),
            kind,
            dedupe: None,
            call_id: None,
            room_sid: None,
            signed_by: None,
            standing: None,
            body: body.into(),
            received_at: now,
        }
    }

    /// The same, signed with this key.
    pub fn signed(self, signer: Signer) -> InboxMessage {
        InboxMessage {
            signed_by: Some(signer.key),
            standing: Some(signer.standing),
            ..self
        }
    }

    /// Who has signed it, if that is known.
    pub fn signer(&self) -> Option<Signer> {
        Some(Signer {
            key: self.signed_by.clone()?,
            standing: self.standing.clone()?,
        })
    }

    /// The same about the room that somebody names by this sid; what is no ID of LiveKit's names none.
    pub fn about(self, room_sid: &str) -> InboxMessage {
        InboxMessage {
            room_sid: is_id(room_sid).then(|| room_sid.to_owned()),
            ..self
        }
    }

    /// The same for a call that is known.
    pub fn of_call(self, call_id: &str) -> InboxMessage {
        InboxMessage {
            call_id: Some(call_id.to_owned()),
            ..self.about(call_id)
        }
    }
}

/// A stored message that this version cannot read. It stays in the inbox for a version that can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableMessage {
    /// The message's id.
    pub id: String,
    /// The unknown value.
    pub reason: UnknownValue,
}

/// A message as it was stored.
pub type StoredMessage = std::result::Result<InboxMessage, UnreadableMessage>;

/// The outcome of a message, in the column `outcome`. NULL: it is not processed, or a version without the column
/// processed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It was applied to its call.
    Applied,
    /// It is about no call.
    Ignored,
    /// It could not be used; the error says why.
    SetAside,
    /// A request for a room that LiveKit does not know.
    NoRoom,
    /// A request that LiveKit refused because of our API key; the error says what it answered.
    NotPermitted,
    /// This version does not know its kind or encoding, or cannot read its call; `replay` with a version that can
    /// processes it.
    Unreadable,
}

impl MessageOutcome {
    /// Every outcome.
    pub const ALL: [MessageOutcome; 6] = [
        MessageOutcome::Applied,
        MessageOutcome::Ignored,
        MessageOutcome::SetAside,
        MessageOutcome::NoRoom,
        MessageOutcome::NotPermitted,
        MessageOutcome::Unreadable,
    ];

    /// The name in the column `outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageOutcome::Applied => "applied",
            MessageOutcome::Ignored => "ignored",
            MessageOutcome::SetAside => "set_aside",
            MessageOutcome::NoRoom => "no_room",
            MessageOutcome::NotPermitted => "not_permitted",
            MessageOutcome::Unreadable => "unreadable",
        }
    }
}

impl FromStr for MessageOutcome {
    type Err = UnknownName;

    fn from_str(name: &str) -> std::result::Result<MessageOutcome, UnknownName> {
        by_name(&MessageOutcome::ALL, MessageOutcome::as_str, name)
    }
}

/// Text as it is; what is not text, or has a NUL that PostgreSQL refuses, as base64.
pub(super) fn encode(body: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(body) {
        Ok(text) if !text.contains('\0') => ("text", text),
        Ok(text) => ("base64", STANDARD.encode(text)),
        Err(bytes) => ("base64", STANDARD.encode(bytes.as_bytes())),
    }
}

/// The body that [`encode`] stored.
pub(super) fn decode(
    id: &str,
    encoding: &str,
    body: String,
) -> std::result::Result<Vec<u8>, UnknownValue> {
    match encoding {
        "text" => Ok(body.into_bytes()),
        "base64" => STANDARD
            .decode(&body)
            .map_err(|_| UnknownValue::base64(row_name(id), "body")),
        other => Err(UnknownValue::name(row_name(id), "encoding", other)),
    }
}

fn row_name(id: &str) -> String {
    format!("message {id}")
}

/// Reads a row that has [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<StoredMessage> {
    let id: String = row.try_get("id")?;
    let (kind, encoding): (String, String) = (row.try_get("kind")?, row.try_get("encoding")?);
    let kind = kind.parse::<MessageKind>();
    let kind = kind.map_err(|name| UnknownValue::name(row_name(&id), "kind", name.given()));
    let body = decode(&id, &encoding, row.try_get("body")?);
    let standing: Option<String> = row.try_get("project")?;
    let standing = standing.map(|text| text.parse::<Standing>()).transpose();
    let standing =
        standing.map_err(|name| UnknownValue::name(row_name(&id), "project", name.given()));
    Ok(match (kind, standing, body) {
        (Err(reason), ..) | (_, Err(reason), _) | (.., Err(reason)) => {
            Err(UnreadableMessage { id, reason })
        }
        (Ok(kind), Ok(standing), Ok(body)) => Ok(InboxMessage {
            id,
            kind,
            dedupe: None,
            call_id: row.try_get("call_id")?,
            room_sid: None,
            signed_by: row.try_get("signed_by")?,
            standing,
            body,
            received_at: time(row.try_get("received_at")?),
        }),
    })
}

/// Reads the column `outcome`.
pub(super) fn read_outcome(id: &str, row: &AnyRow) -> Result<Option<MessageOutcome>> {
    let outcome: Option<String> = row.try_get("outcome")?;
    let known = outcome.map(|name| name.parse::<MessageOutcome>());
    let known = known.transpose();
    Ok(known.map_err(|name| UnknownValue::name(row_name(id), "outcome", name.given()))?)
}
