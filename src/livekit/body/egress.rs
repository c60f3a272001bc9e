//! EgressInfo in JSON, as webhooks, StartEgress and ListEgress carry it.

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    egress_request::{Scope, any_filled, flag, scope, storage},
    value::{first, integer, nanoseconds, string, text},
};
use crate::domain::{
    CallId, EgressStatus, EventPayload, Recording, Room, RoomName,
    destination::{Destination, Location},
    nanoseconds::to_time,
};

/// Bytes of an error that are kept: a call keeps those of all its egresses.
const ERROR_BYTES: usize = 4 << 10;
/// Bytes of the longest key that an S3 bucket can hold.
const KEY_BYTES: usize = 1 << 10;

/// Reads an EgressInfo in the webhook's JSON form; `named`: the room that the event names beside it. Egresses that do not
/// record the audio of the room into a file (streams, single tracks, pictures alone) are no recordings.
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
        destination: destination(info),
    }
}

fn records_room(info: &Value) -> bool {
    let streams = ["streamResults", "stream_results", "stream", "segments"];
    let file = any_filled(info, &["file", "fileResults", "file_results"]);
    match scope(info) {
        Scope::WholeRoom => true,
        Scope::Other => false,
        Scope::Unstated => file || !any_filled(info, &streams),
    }
}

fn destination(info: &Value) -> Destination {
    Destination {
        requested: storage(info),
        location: Location::parse(text(&file(info)["location"])),
        backup_used: flag(info, &["backupStorageUsed", "backup_storage_used"]),
    }
}

/// The file's result.
fn file(info: &Value) -> &Value {
    let results = first(info, &["fileResults", "file_results"]).and_then(|list| list.get(0));
    results.or_else(|| info.get("file")).unwrap_or(&Value::Null)
}

fn recording(info: &Value) -> Recording {
    let file = file(info);
    let length = |value: &Value| integer(value).filter(|n| *n > 0);
    Recording {
        egress_id: string(info, &["egressId", "egress_id"]).into(),
        status: status(&info["status"]),
        updated_at: first(info, &["updatedAt", "updated_at"])
            .and_then(integer)
            .and_then(to_time),
        started_at: first(info, &["startedAt", "started_at"]).and_then(nanoseconds),
        ended_at: first(info, &["endedAt", "ended_at"]).and_then(nanoseconds),
        file_started_at: first(file, &["startedAt", "started_at"]).and_then(nanoseconds),
        key: Some(string(file, &["filename"]))
            .filter(|key| key.len() <= KEY_BYTES)
            .unwrap_or_default(),
        size: length(&file["size"]).and_then(|n| u64::try_from(n).ok()),
        duration: length(&file["duration"]).map(SignedDuration::from_nanos),
        located: !text(&file["location"]).is_empty(),
        error: cut(string(info, &["error"])).into(),
        error_code: first(info, &["errorCode", "error_code"])
            .and_then(integer)
            .unwrap_or(0),
        ..Recording::default()
    }
}

fn cut(mut error: String) -> String {
    if error.len() > ERROR_BYTES {
        error.truncate(error.floor_char_boundary(ERROR_BYTES));
        error.push('…');
    }
    error
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
