//! What a letter of the inbox says: each kind has a format of its own.

use std::{panic::AssertUnwindSafe, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    domain::{
        BucketRecording, Fact, Room, Teller,
        event::{Finding, Request},
        transcript,
    },
    livekit::body,
    store::{Kind, Letter},
};

/// Why a letter is set aside that causes a panic.
pub const PANICKED: &str =
    "the call could not be changed by it: this is a bug; `replay` after an update mends it";

/// Reads a letter; the error is for people. A panic is one.
pub fn read(letter: &Letter) -> Result<Fact, String> {
    let read = AssertUnwindSafe(|| read_body(letter));
    std::panic::catch_unwind(read).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

fn read_body(letter: &Letter) -> Result<Fact, String> {
    let text = std::str::from_utf8(&letter.body).map_err(|_| "it is not UTF-8".to_owned())?;
    let json = || {
        serde_json::from_str::<Value>(text)
            .map_err(|error| format!("it is no JSON that can be read ({:?})", error.classify()))
    };
    match letter.kind {
        Kind::Webhook => body::webhook(text, letter.received_at).map_err(|error| error.to_string()),
        Kind::Egress => Ok(body::egress(&json()?, Room::default())),
        Kind::Room => Ok(Fact::RoomSeen {
            room: parse::<Room>(json()?)?,
            at: letter.received_at,
        }),
        Kind::Participant => {
            let body = json()?;
            Ok(Fact::Participant {
                room: parse::<Room>(body["room"].clone())?,
                participant: body::participant(&body["participant"]),
                at: letter.received_at,
            })
        }
        Kind::Request => {
            let body = json()?;
            Ok(Fact::Request {
                room: parse::<Room>(body["room"].clone())?,
                request: parse::<Request>(body)?,
            })
        }
        Kind::Finding => Ok(Fact::Finding {
            call_id: letter.call_id.clone().unwrap_or_default(),
            finding: parse::<Finding>(json()?)?,
        }),
        Kind::Object => Ok(Fact::Stored(Box::new(parse::<BucketRecording>(json()?)?))),
        Kind::Report => report(text),
    }
}

/// Who wrote a letter.
pub fn teller(letter: &Letter) -> Teller {
    match (letter.kind, &letter.signed_by) {
        (Kind::Webhook, Some(key)) => Teller::Webhook { key: key.clone() },
        (Kind::Egress | Kind::Room | Kind::Participant, _) => Teller::Api,
        _ => Teller::Others,
    }
}

/// What a sink or reconcile found out, on its way to the inbox like everything else.
pub fn finding(call_id: &str, finding: &Finding, now: Timestamp) -> Letter {
    let body = serde_json::to_vec(finding).unwrap_or_default();
    Letter::new(Kind::Finding, body, now).of_call(call_id)
}

/// An EgressInfo that LiveKit's API answered, in the form of its webhooks.
pub fn egress(info: String, now: Timestamp) -> Letter {
    Letter::new(Kind::Egress, info, now)
}

/// A room that LiveKit's API listed.
pub fn room(room: &Room, now: Timestamp) -> Letter {
    Letter::new(Kind::Room, json!(room).to_string(), now)
}

/// A ParticipantInfo that LiveKit's API answered, in the form of its webhooks.
pub fn participant(room: &Room, info: &Value, now: Timestamp) -> Letter {
    let body = json!({ "room": room, "participant": info });
    Letter::new(Kind::Participant, body.to_string(), now)
}

/// A report is stored with the room that its request named.
#[derive(Deserialize)]
struct Reported<'a> {
    room: Room,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn report(text: &str) -> Result<Fact, String> {
    let Reported { room: named, body } = serde_json::from_str(text).map_err(not_ours)?;
    let (own, report) = transcript::read(body).map_err(|error| error.to_string())?;
    let own_named = !own.sid.is_empty() || !own.name.is_empty();
    Ok(Fact::Report {
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
