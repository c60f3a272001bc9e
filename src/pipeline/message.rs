//! What a inbox message says: each kind has a format of its own.

use std::{panic::AssertUnwindSafe, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::{
        BucketRecording, EventPayload, EventSource, Room,
        event::{Observation, Request},
        transcript,
    },
    livekit::body,
    store::{InboxMessage, MessageKind},
};

/// Why a message is set aside that causes a panic.
pub const PANICKED: &str =
    "the call could not be changed by it: this is a bug; `replay` after an update mends it";

/// Reads a message; the error is for people. A panic is one.
pub fn read(message: &InboxMessage) -> Result<EventPayload, String> {
    let read = AssertUnwindSafe(|| read_body(message));
    std::panic::catch_unwind(read).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

fn read_body(message: &InboxMessage) -> Result<EventPayload, String> {
    let text = std::str::from_utf8(&message.body).map_err(|_| "it is not UTF-8".to_owned())?;
    let json = || {
        serde_json::from_str::<Value>(text)
            .map_err(|error| format!("it is no JSON that can be read ({:?})", error.classify()))
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
        MessageKind::Report => report(text),
    }
}

/// Who wrote a message.
pub fn source(message: &InboxMessage) -> EventSource {
    match (message.kind, &message.signed_by) {
        (MessageKind::Webhook, Some(key)) => EventSource::Webhook { key: key.clone() },
        (MessageKind::Egress | MessageKind::Room | MessageKind::Participant, _) => EventSource::Api,
        _ => EventSource::Others,
    }
}

/// What a sink or reconcile found out, on its way to the inbox like everything else.
pub fn observation(call_id: &str, observation: &Observation, now: Timestamp) -> InboxMessage {
    let body = serde_json::to_vec(observation).unwrap_or_default();
    InboxMessage::new(MessageKind::Observation, body, now).of_call(call_id)
}

/// An EgressInfo that LiveKit's API answered, in the form of its webhooks.
pub fn egress(info: String, now: Timestamp) -> InboxMessage {
    InboxMessage::new(MessageKind::Egress, info, now)
}

/// A room that LiveKit's API listed.
pub fn room(room: &Room, now: Timestamp) -> InboxMessage {
    InboxMessage::new(MessageKind::Room, json!(room).to_string(), now)
}

/// A ParticipantInfo that LiveKit's API answered, in the form of its webhooks.
pub fn participant(room: &Room, info: &Value, now: Timestamp) -> InboxMessage {
    let body = json!({ "room": room, "participant": info });
    InboxMessage::new(MessageKind::Participant, body.to_string(), now)
}

/// A report is stored with the room that its request named.
#[derive(Deserialize)]
struct Reported<'a> {
    room: Room,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn report(text: &str) -> Result<EventPayload, String> {
    let Reported { room: named, body } = serde_json::from_str(text).map_err(not_ours)?;
    let (own, report) = transcript::read(body).map_err(|error| error.to_string())?;
    let own_named = !own.sid.is_empty() || !own.name.is_empty();
    Ok(EventPayload::Report {
        room: if own_named { own } else { named },
        report: Arc::new(report),
    })
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(not_ours)
}

fn not_ours(_: serde_json::Error) -> String {
    "it was stored by another version".to_owned()
}
