//! The content of inbox messages: each kind has its own format.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    domain::{
        BucketRecording, EventPayload, EventSource, Room,
        agent_audio::UploadId,
        event::{InvalidId, Observation, Request},
        is_id, sha256,
        transcript::{self, ReportFacts, StoredReport},
    },
    livekit::body,
    store::{InboxMessage, MessageKind},
};

/// The error of a message that causes a panic.
pub(super) const PANICKED: &str =
    "the message could not be applied to its call because of a bug; run `replay` after an update";

/// Parses a message; the error is for people. A panic counts as an error.
pub(super) fn read(message: &InboxMessage) -> Result<EventPayload, String> {
    let read = AssertUnwindSafe(|| read_body(message));
    let payload = std::panic::catch_unwind(read).unwrap_or_else(|_| Err(PANICKED.to_owned()))?;
    match payload.invalid_id() {
        Some(invalid) => Err(invalid.to_string()),
        None => Ok(payload),
    }
}

fn read_body(message: &InboxMessage) -> Result<EventPayload, String> {
    let text =
        std::str::from_utf8(&message.body).map_err(|_| "the message is not UTF-8".to_owned())?;
    let json = || {
        serde_json::from_str::<Value>(text)
            .map_err(|error| format!("the message is not valid JSON ({:?})", error.classify()))
    };
    match message.kind {
        MessageKind::Webhook => {
            body::webhook(text, message.received_at).map_err(|error| error.to_string())
        }
        MessageKind::Egress => Ok(body::egress(&json()?, Room::default())),
        MessageKind::Room => Ok(EventPayload::RoomSeen {
            room: parse::<Room>(json()?)?,
            at: message.received_at,
        }),
        MessageKind::Participant => {
            let body = json()?;
            Ok(EventPayload::Participant {
                room: parse::<Room>(body["room"].clone())?,
                participant: body::participant(&body["participant"]),
                at: message.received_at,
            })
        }
        MessageKind::Request => {
            let body = json()?;
            Ok(EventPayload::Request {
                room: parse::<Room>(body["room"].clone())?,
                request: parse::<Request>(body)?,
            })
        }
        MessageKind::Observation => Ok(EventPayload::Observation {
            call_id: message.call_id.clone().unwrap_or_default().into(),
            observation: parse::<Observation>(json()?)?,
        }),
        MessageKind::Object => Ok(EventPayload::Stored(Box::new(parse::<BucketRecording>(
            json()?,
        )?))),
        MessageKind::Report => report(text, message),
    }
}

/// The source of a message.
pub(super) fn source(message: &InboxMessage) -> EventSource {
    match (message.kind, &message.signed_by) {
        (MessageKind::Webhook | MessageKind::Report, _) if message.signer().is_some() => message
            .signer()
            .map_or(EventSource::Others, EventSource::Signed),
        (MessageKind::Webhook, Some(key)) => EventSource::Webhook { key: key.clone() },
        (MessageKind::Egress | MessageKind::Room | MessageKind::Participant, _) => EventSource::Api,
        _ => EventSource::Others,
    }
}

/// An observation of a sink or of reconcile, on its way to the inbox like any other message.
pub(super) fn observation(
    call_id: &str,
    observation: &Observation,
    now: Timestamp,
) -> InboxMessage {
    let body = serde_json::to_vec(observation).unwrap_or_default();
    InboxMessage::new(MessageKind::Observation, body, now).of_call(call_id)
}

/// An EgressInfo from LiveKit's API, in the form of its webhooks.
pub(super) fn egress(info: String, now: Timestamp) -> InboxMessage {
    let value = serde_json::from_str(&info).unwrap_or_default();
    let invalid = body::egress(&value, Room::default()).invalid_id();
    once_if_invalid(invalid, InboxMessage::new(MessageKind::Egress, info, now))
}

/// A room that LiveKit's API listed.
pub(super) fn room(room: &Room, now: Timestamp) -> InboxMessage {
    let message =
        InboxMessage::new(MessageKind::Room, json!(room).to_string(), now).about(&room.sid);
    once_if_invalid(invalid_room(room), message)
}

/// A ParticipantInfo from LiveKit's API, in the form of its webhooks.
pub(super) fn participant(room: &Room, info: &Value, now: Timestamp) -> InboxMessage {
    let body = json!({ "room": room, "participant": info });
    let message =
        InboxMessage::new(MessageKind::Participant, body.to_string(), now).about(&room.sid);
    once_if_invalid(invalid_room(room), message)
}

fn invalid_room(room: &Room) -> Option<InvalidId> {
    (!room.sid.is_empty() && !is_id(&room.sid)).then_some(InvalidId::Room)
}

/// LiveKit lists the same again and again; what no call can hold is kept once.
fn once_if_invalid(invalid: Option<InvalidId>, message: InboxMessage) -> InboxMessage {
    let hash = || sha256(&message.body);
    InboxMessage {
        dedupe: invalid.map(|_| format!("invalid-{}", hash())),
        ..message
    }
}

/// Parses what a report is about; keeps nothing of its words in memory.
fn report(text: &str, message: &InboxMessage) -> Result<EventPayload, String> {
    let stored: StoredReport<'_> = serde_json::from_str(text).map_err(not_ours)?;
    if let Some(reason) = stored.unreadable {
        return Err(reason);
    }
    let outline = transcript::outline(stored.body).map_err(|error| error.to_string())?;
    let facts = ReportFacts {
        origin: stored.origin,
        refused_words: stored.refused_words,
        ..outline.facts(message.received_at)
    };
    let upload = || UploadId {
        message_id: message.id.clone(),
        job: facts.job.clone(),
    };
    let audio = stored.audio.map(|audio| (upload(), audio));
    let named = stored.room;
    // The stored room is the body's, with its name as the sender meant it.
    let is_named = !named.sid.is_empty() || !named.name.is_empty();
    Ok(EventPayload::Report {
        room: if is_named { named } else { outline.room },
        facts,
        authorized_room: stored.authorized_room,
        audio,
    })
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(not_ours)
}

fn not_ours(_: serde_json::Error) -> String {
    "the message was stored by another version".to_owned()
}
