//! LiveKit's messages as JSON fields, in the order in which its protobuf declares them.

use livekit_protocol as proto;

use super::json::{Fields, Json, number, text};
use super::request_fields::request;

/// The body of a webhook.
pub(super) fn event(event: &proto::WebhookEvent) -> Fields {
    vec![
        ("event", text(&event.event)),
        (
            "room",
            event
                .room
                .as_ref()
                .map_or(Json::Absent, |it| Json::Message(room(it))),
        ),
        (
            "participant",
            event
                .participant
                .as_ref()
                .map_or(Json::Absent, |it| Json::Message(participant(it))),
        ),
        (
            "track",
            event
                .track
                .as_ref()
                .map_or(Json::Absent, |it| Json::Message(track(it))),
        ),
        (
            "egress_info",
            event
                .egress_info
                .as_ref()
                .map_or(Json::Absent, |it| Json::Message(egress(it))),
        ),
        ("id", text(&event.id)),
        ("created_at", Json::Long(event.created_at)),
    ]
}

/// A room of ListRooms, CreateRoom and webhooks.
pub(super) fn room(room: &proto::Room) -> Fields {
    let codec = |codec: &proto::Codec| {
        Json::Message(vec![
            ("mime", text(&codec.mime)),
            ("fmtp_line", text(&codec.fmtp_line)),
        ])
    };
    vec![
        ("sid", text(&room.sid)),
        ("name", text(&room.name)),
        ("empty_timeout", number(room.empty_timeout)),
        ("departure_timeout", number(room.departure_timeout)),
        ("max_participants", number(room.max_participants)),
        ("creation_time", Json::Long(room.creation_time)),
        ("creation_time_ms", Json::Long(room.creation_time_ms)),
        ("turn_password", text(&room.turn_password)),
        (
            "enabled_codecs",
            Json::List(room.enabled_codecs.iter().map(codec).collect()),
        ),
        ("metadata", text(&room.metadata)),
        ("num_participants", number(room.num_participants)),
        ("num_publishers", number(room.num_publishers)),
        ("active_recording", Json::Flag(room.active_recording)),
        ("version", Json::Absent),
    ]
}

/// A participant of ListParticipants and webhooks.
pub(super) fn participant(info: &proto::ParticipantInfo) -> Fields {
    let attributes = info
        .attributes
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let capability = |it: proto::client_info::Capability| Json::Name(it.as_str_name(), false);
    vec![
        ("sid", text(&info.sid)),
        ("identity", text(&info.identity)),
        (
            "state",
            Json::Name(info.state().as_str_name(), info.state == 0),
        ),
        ("tracks", Json::List(Vec::new())),
        ("metadata", text(&info.metadata)),
        ("joined_at", Json::Long(info.joined_at)),
        ("joined_at_ms", Json::Long(info.joined_at_ms)),
        ("name", text(&info.name)),
        ("version", number(info.version)),
        (
            "permission",
            info.permission
                .as_ref()
                .map_or(Json::Absent, |it| Json::Message(permission(it))),
        ),
        ("region", text(&info.region)),
        ("is_publisher", Json::Flag(info.is_publisher)),
        (
            "kind",
            Json::Name(info.kind().as_str_name(), info.kind == 0),
        ),
        ("attributes", Json::Map(attributes)),
        (
            "disconnect_reason",
            Json::Name(
                info.disconnect_reason().as_str_name(),
                info.disconnect_reason == 0,
            ),
        ),
        ("kind_details", Json::List(kind_details(info))),
        ("data_tracks", Json::List(Vec::new())),
        ("client_protocol", number(info.client_protocol)),
        (
            "capabilities",
            Json::List(info.capabilities().map(capability).collect()),
        ),
    ]
}

/// A track of track_published.
fn track(track: &proto::TrackInfo) -> Fields {
    vec![
        ("sid", text(&track.sid)),
        (
            "type",
            Json::Name(track.r#type().as_str_name(), track.r#type == 0),
        ),
        ("name", text(&track.name)),
        (
            "source",
            Json::Name(track.source().as_str_name(), track.source == 0),
        ),
        ("mime_type", text(&track.mime_type)),
        ("stream", text(&track.stream)),
    ]
}

fn kind_details(info: &proto::ParticipantInfo) -> Vec<Json> {
    let details = info.kind_details();
    details
        .map(|it| Json::Name(it.as_str_name(), false))
        .collect()
}

#[expect(deprecated, reason = "LiveKit still sends them")]
fn permission(permission: &proto::ParticipantPermission) -> Fields {
    vec![
        ("can_subscribe", Json::Flag(permission.can_subscribe)),
        ("can_publish", Json::Flag(permission.can_publish)),
        ("can_publish_data", Json::Flag(permission.can_publish_data)),
        ("can_publish_sources", Json::List(Vec::new())),
        ("hidden", Json::Flag(permission.hidden)),
        ("recorder", Json::Flag(permission.recorder)),
        (
            "can_update_metadata",
            Json::Flag(permission.can_update_metadata),
        ),
        ("agent", Json::Flag(permission.agent)),
        (
            "can_subscribe_metrics",
            Json::Flag(permission.can_subscribe_metrics),
        ),
        (
            "can_manage_agent_session",
            Json::Flag(permission.can_manage_agent_session),
        ),
    ]
}

/// An egress of every answer and webhook about it.
#[expect(
    deprecated,
    reason = "LiveKit still sends the `file` beside `file_results`"
)]
pub(super) fn egress(info: &proto::EgressInfo) -> Fields {
    let mut fields = vec![
        ("egress_id", text(&info.egress_id)),
        ("room_id", text(&info.room_id)),
        ("room_name", text(&info.room_name)),
        (
            "source_type",
            Json::Name(info.source_type().as_str_name(), info.source_type == 0),
        ),
        (
            "status",
            Json::Name(info.status().as_str_name(), info.status == 0),
        ),
        ("started_at", Json::Long(info.started_at)),
        ("ended_at", Json::Long(info.ended_at)),
        ("updated_at", Json::Long(info.updated_at)),
    ];
    fields.extend(info.request.as_ref().map(request));
    let files = info.file_results.iter().map(|it| Json::Message(file(it)));
    fields.extend([
        ("stream_results", Json::List(Vec::new())),
        ("file_results", Json::List(files.collect())),
        ("segment_results", Json::List(Vec::new())),
        ("image_results", Json::List(Vec::new())),
        ("error", text(&info.error)),
        ("error_code", number(info.error_code)),
        ("details", text(&info.details)),
        ("manifest_location", text(&info.manifest_location)),
        ("backup_storage_used", Json::Flag(info.backup_storage_used)),
        ("retry_count", number(info.retry_count)),
    ]);
    if let Some(proto::egress_info::Result::File(it)) = &info.result {
        fields.push(("file", Json::Message(file(it))));
    }
    fields
}

fn file(file: &proto::FileInfo) -> Fields {
    vec![
        ("filename", text(&file.filename)),
        ("started_at", Json::Long(file.started_at)),
        ("ended_at", Json::Long(file.ended_at)),
        ("duration", Json::Long(file.duration)),
        ("size", Json::Long(file.size)),
        ("location", text(&file.location)),
    ]
}
