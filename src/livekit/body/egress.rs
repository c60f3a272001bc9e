//! EgressInfo in JSON, as webhooks, StartEgress and ListEgress carry it.

use jiff::SignedDuration;
use serde_json::Value;

use super::value::{first, integer, nanoseconds, string, text};
use crate::domain::{
    CallId, EgressStatus, EventPayload, Recording, Room, RoomName, nanoseconds::to_time,
};

/// Reads an EgressInfo in the webhook's JSON form; `named`: the room that the event names beside it. Egresses that do not
/// record the room into a file (streams, single tracks) are no recordings.
pub fn egress(info: &Value, named: Room) -> EventPayload {
    let own = |names: &[&str]| Some(string(info, names)).filter(|text| !text.is_empty());
    let room = Room {
        sid: own(&["roomId", "room_id"]).map_or(named.sid, CallId::from),
        name: own(&["roomName", "room_name"]).map_or(named.name, RoomName::from),
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
        egress_id: string(info, &["egressId", "egress_id"]).into(),
        status: status(&info["status"]),
        updated_at: first(info, &["updatedAt", "updated_at"])
            .and_then(integer)
            .and_then(to_time),
        started_at: first(info, &["startedAt", "started_at"]).and_then(nanoseconds),
        ended_at: first(info, &["endedAt", "ended_at"]).and_then(nanoseconds),
        key: string(file, &["filename"]),
        size: length(&file["size"]).and_then(|n| u64::try_from(n).ok()),
        duration: length(&file["duration"]).map(SignedDuration::from_nanos),
        located: !text(&file["location"]).is_empty(),
        error: string(info, &["error"]).into(),
        error_code: first(info, &["errorCode", "error_code"])
            .and_then(integer)
            .unwrap_or(0),
        key_of: None,
    }
}

/// The status by name or number; absent is STARTING, an unknown one counts as running.
pub(super) fn status(value: &Value) -> EgressStatus {
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
