//! LiveKit's API answers in protobuf, its webhooks use JSON; this converts answers to the webhooks' form, so that one
//! parser handles both.

use livekit_protocol as proto;
use serde_json::{Map, Value, json};

use super::request_form::request_field;

/// What a webhook would contain for this egress, as far as recordings are concerned. A status that this version does
/// not know stays a number; protobuf's own JSON writer would reject the entire message because of it.
pub(super) fn webhook_form(info: &proto::EgressInfo) -> Value {
    let status = proto::EgressStatus::try_from(info.status);
    let status = status.map_or(json!(info.status), |known| json!(known.as_str_name()));
    let files: Vec<Value> = info.file_results.iter().map(file).collect();
    let mut form = json!({
        "egressId": info.egress_id,
        "roomId": info.room_id,
        "roomName": info.room_name,
        "status": status,
        "startedAt": info.started_at.to_string(),
        "endedAt": info.ended_at.to_string(),
        "updatedAt": info.updated_at.to_string(),
        "error": info.error,
        "errorCode": info.error_code,
        "details": info.details,
        "fileResults": files,
        "backupStorageUsed": info.backup_storage_used,
        "streamResults": info.stream_results.iter().map(|stream| json!({ "status": stream.status })).collect::<Vec<_>>(),
    });
    if let (Some(request), Value::Object(fields)) = (&info.request, &mut form) {
        let (name, source) = request_field(request);
        fields.insert(name.to_owned(), source);
    }
    without_defaults(form)
}

/// What a webhook would contain for this participant.
pub(super) fn participant_form(info: &proto::ParticipantInfo) -> Value {
    let kind = proto::participant_info::Kind::try_from(info.kind);
    let kind = kind.map_or(json!(info.kind), |known| json!(known.as_str_name()));
    let mut form = without_defaults(json!({
        "sid": info.sid,
        "identity": info.identity,
        "name": info.name,
        "kind": kind,
        "joinedAt": info.joined_at.to_string(),
        "joinedAtMs": info.joined_at_ms.to_string(),
        "version": info.version,
        "tracks": info.tracks.iter().map(track).collect::<Vec<_>>(),
        "kindDetails": info.kind_details,
    }));
    // For these, an empty value is included, too.
    form["attributes"] = json!(info.attributes);
    form
}

/// The type is a number, because LiveKit's newer types have no name here.
fn track(track: &proto::TrackInfo) -> Value {
    json!({ "sid": track.sid, "type": track.r#type, "mimeType": track.mime_type })
}

fn file(file: &proto::FileInfo) -> Value {
    json!({
        "filename": file.filename,
        "startedAt": file.started_at.to_string(),
        "endedAt": file.ended_at.to_string(),
        "duration": file.duration.to_string(),
        "size": file.size.to_string(),
        "location": file.location,
    })
}

/// A webhook omits values that are 0 or empty.
fn without_defaults(value: Value) -> Value {
    let default = |value: &Value| match value {
        Value::String(text) => text.is_empty() || text == "0",
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(items) => items.is_empty(),
        Value::Bool(flag) => !flag,
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !default(value));
            Value::Object(
                kept.map(|(name, value)| (name, without_defaults(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.into_iter().map(without_defaults).collect(),
        value => value,
    }
}
