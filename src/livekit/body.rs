//! What LiveKit says, read tolerantly: unknown events, fields and enum values, absent defaults, null scalars, both
//! shapes of egress events. (The SDK's own reader rejects a whole event for one value that it does not know.)

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::{
    EgressStatus, EventPayload, Job, Recording, Room,
    participant::{Kind, Participant},
};

/// The raw bytes stay in the inbox.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The reason has a line and a column, and nothing of the body. Bodies nested over 128 deep are here, too.
    #[error("the webhook's body is no JSON that can be read: {0}")]
    Json(String),
    #[error("the webhook's body is not a JSON object")]
    NotAnObject,
}

/// Reads a webhook's body. `received_at` stands in for a `createdAt` that is missing.
pub fn webhook(body: &str, received_at: Timestamp) -> Result<EventPayload, Unreadable> {
    let body: Value =
        serde_json::from_str(body).map_err(|error| Unreadable::Json(error.to_string()))?;
    if !body.is_object() {
        return Err(Unreadable::NotAnObject);
    }
    let at = seconds(&body["createdAt"]).unwrap_or(received_at);
    let job = &body["job"];
    let mut room = room(first(&body, &["room"]).unwrap_or(&job["room"]));
    room.job = Job {
        id: string(job, &["id"]),
        metadata: string(job, &["metadata"]),
    };
    if let Some(info) = first(&body, &["egressInfo", "egress_info"]) {
        return Ok(egress(info, room));
    }
    if room.sid.is_empty() {
        return Ok(EventPayload::Nothing);
    }
    Ok(match text(&body["event"]) {
        "room_finished" => EventPayload::RoomFinished { room, at },
        event @ ("participant_joined" | "participant_left") => {
            let mut participant = participant(&body["participant"]);
            let left = event == "participant_left";
            participant.left_at = left.then_some(at);
            EventPayload::Participant {
                room,
                participant,
                at,
            }
        }
        event if event.starts_with("ingress_") => EventPayload::Nothing,
        _ => EventPayload::RoomSeen { room, at },
    })
}

/// Reads an EgressInfo in the webhook's JSON form, as webhooks, StartEgress and ListEgress carry it. Egresses that do
/// not record the room into a file (streams, single tracks) are no recordings.
pub fn egress(info: &Value, named: Room) -> EventPayload {
    let own = Room {
        sid: string(info, &["roomId", "room_id"]),
        name: string(info, &["roomName", "room_name"]),
        ..Room::default()
    };
    let room = Room {
        sid: if own.sid.is_empty() {
            named.sid
        } else {
            own.sid
        },
        name: if own.name.is_empty() {
            named.name
        } else {
            own.name
        },
        ..Room::default()
    };
    let recording = recording(info);
    if recording.egress_id.is_empty() || !records_room(info) {
        return EventPayload::Nothing;
    }
    EventPayload::Egress {
        room,
        recording: Box::new(recording),
    }
}

fn records_room(info: &Value) -> bool {
    let parts = ["track", "trackComposite", "track_composite", "participant"];
    let streams = ["streamResults", "stream_results", "stream", "segments"];
    let filled = |name: &&str| match &info[*name] {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    let file = ["file", "fileResults", "file_results"].iter().any(&filled);
    !parts.iter().any(&filled) && (file || !streams.iter().any(filled))
}

fn recording(info: &Value) -> Recording {
    let results = first(info, &["fileResults", "file_results"]).and_then(|list| list.get(0));
    let nothing = Value::Null;
    let file = results.or_else(|| info.get("file")).unwrap_or(&nothing);
    let length = |value: &Value| integer(value).filter(|n| *n > 0);
    Recording {
        egress_id: string(info, &["egressId", "egress_id"]),
        status: status(&info["status"]),
        updated_at: first(info, &["updatedAt", "updated_at"])
            .and_then(integer)
            .unwrap_or(0),
        started_at: first(info, &["startedAt", "started_at"]).and_then(nanoseconds),
        ended_at: first(info, &["endedAt", "ended_at"]).and_then(nanoseconds),
        key: string(file, &["filename"]),
        size: length(&file["size"]).and_then(|n| u64::try_from(n).ok()),
        duration: length(&file["duration"]),
        located: !text(&file["location"]).is_empty(),
        error: string(info, &["error"]),
        error_code: first(info, &["errorCode", "error_code"])
            .and_then(integer)
            .unwrap_or(0),
        key_of: None,
    }
}

/// By name or number; absent is STARTING, what we do not know counts as running.
fn status(value: &Value) -> EgressStatus {
    match (text(value), value.as_i64()) {
        ("EGRESS_STARTING", _) | (_, Some(0)) => EgressStatus::Starting,
        ("EGRESS_ENDING", _) | (_, Some(2)) => EgressStatus::Ending,
        ("EGRESS_COMPLETE", _) | (_, Some(3)) => EgressStatus::Complete,
        ("EGRESS_FAILED", _) | (_, Some(4)) => EgressStatus::Failed,
        ("EGRESS_ABORTED", _) | (_, Some(5)) => EgressStatus::Aborted,
        ("EGRESS_LIMIT_REACHED", _) | (_, Some(6)) => EgressStatus::LimitReached,
        ("", None) => EgressStatus::Starting,
        _ => EgressStatus::Active,
    }
}

fn room(value: &Value) -> Room {
    let exact = first(value, &["creationTimeMs", "creation_time_ms"]).and_then(milliseconds);
    let whole = || first(value, &["creationTime", "creation_time"]).and_then(seconds);
    Room {
        sid: string(value, &["sid"]),
        name: string(value, &["name"]),
        metadata: string(value, &["metadata"]),
        created_at: exact.or_else(whole),
        ..Room::default()
    }
}

/// Reads a ParticipantInfo in the webhook's JSON form.
pub fn participant(value: &Value) -> Participant {
    let attributes = value["attributes"].as_object();
    let pairs = attributes.into_iter().flatten();
    let attributes: BTreeMap<_, _> = pairs
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect();
    let version = integer(&value["version"]).unwrap_or(0).unsigned_abs();
    let identity = string(value, &["identity"]);
    let sid = string(value, &["sid"]);
    let joined = first(value, &["joinedAtMs", "joined_at_ms"]).and_then(milliseconds);
    Participant {
        sid: if sid.is_empty() {
            identity.clone()
        } else {
            sid
        },
        identity,
        name: string(value, &["name"]),
        kind: kind(&value["kind"]),
        attributes,
        joined_at: joined.or_else(|| seconds(first(value, &["joinedAt", "joined_at"])?)),
        left_at: None,
        version,
        name_version: version,
        attributes_version: version,
    }
}

fn kind(value: &Value) -> Kind {
    match (text(value), value.as_i64()) {
        ("INGRESS", _) | (_, Some(1)) => Kind::Ingress,
        ("EGRESS", _) | (_, Some(2)) => Kind::Egress,
        ("SIP", _) | (_, Some(3)) => Kind::Sip,
        ("AGENT", _) | (_, Some(4)) => Kind::Agent,
        _ => Kind::Standard,
    }
}

fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let present = |name: &&str| value.get(*name).filter(|value| !value.is_null());
    names.iter().find_map(present)
}

/// Without NUL, which PostgreSQL takes in no text.
fn string(value: &Value, names: &[&str]) -> String {
    let text = first(value, names).map(text).unwrap_or_default();
    text.replace('\0', "")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// int64 are strings in protobuf's JSON, and numbers in some people's.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|n| n as i64)),
        _ => None,
    }
}

/// The year 2200. What is later is no time, and a life added to it would overflow.
const LATEST: Timestamp = Timestamp::constant(7_258_118_400, 0);

fn sound(at: Timestamp) -> Option<Timestamp> {
    Some(at).filter(|at| *at < LATEST)
}

fn milliseconds(value: &Value) -> Option<Timestamp> {
    let millis = integer(value).filter(|n| *n > 0)?;
    Timestamp::from_millisecond(millis).ok().and_then(sound)
}

fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = integer(value).filter(|n| *n > 0)?;
    Timestamp::from_second(seconds).ok().and_then(sound)
}

fn nanoseconds(value: &Value) -> Option<Timestamp> {
    let nanos = integer(value).filter(|n| *n > 0)?;
    let at = Timestamp::from_nanosecond(i128::from(nanos)).ok();
    at.and_then(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_value_does_not_cost_the_event() {
        let body = r#"{"event":"egress_updated","egressInfo":{"egressId":"EG_1","roomId":"RM_1","roomName":null,
            "status":"EGRESS_WHATEVER","fileResults":[{"filename":"a.mp3","size":null}],"new":{"a":[1]}},"createdAt":null}"#;
        let Ok(EventPayload::Egress { room, recording }) = webhook(body, Timestamp::UNIX_EPOCH)
        else {
            panic!("no egress");
        };
        assert_eq!(
            (room.sid.as_str(), recording.key.as_str()),
            ("RM_1", "a.mp3")
        );
        assert_eq!(recording.status, EgressStatus::Active);
    }

    #[test]
    fn a_time_that_cannot_be_is_no_time() {
        let body = r#"{"event":"room_finished","room":{"sid":"RM_1","creationTimeMs":"253402200000000","creationTime":"253402200000"},
            "createdAt":253402200000}"#;
        let heard = Timestamp::UNIX_EPOCH;
        let Ok(EventPayload::RoomFinished { room, at }) = webhook(body, heard) else {
            panic!("no end");
        };
        assert_eq!((room.created_at, at), (None, heard));
    }
}
