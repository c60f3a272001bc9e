//! LiveKit's messages as JSON fields, in the order in which its protobuf declares them.

use livekit_protocol as proto;
use proto::encoded_file_output::Output as Target;
use proto::room_composite_egress_request::{Options, Output};

use super::json::{Fields, Json, text};

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
        ("kind_details", Json::List(Vec::new())),
        ("data_tracks", Json::List(Vec::new())),
        ("client_protocol", number(info.client_protocol)),
        (
            "capabilities",
            Json::List(info.capabilities().map(capability).collect()),
        ),
    ]
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
    if let Some(proto::egress_info::Request::RoomComposite(request)) = &info.request {
        fields.push(("room_composite", Json::Message(room_composite(request))));
    }
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

#[expect(deprecated, reason = "older clients still ask with a single `file`")]
fn room_composite(request: &proto::RoomCompositeEgressRequest) -> Fields {
    let mut fields = vec![
        ("room_name", text(&request.room_name)),
        ("layout", text(&request.layout)),
        ("audio_only", Json::Flag(request.audio_only)),
        (
            "audio_mixing",
            Json::Name(
                request.audio_mixing().as_str_name(),
                request.audio_mixing == 0,
            ),
        ),
        ("video_only", Json::Flag(request.video_only)),
        ("custom_base_url", text(&request.custom_base_url)),
    ];
    if let Some(Output::File(file)) = &request.output {
        fields.push(("file", Json::Message(file_output(file))));
    }
    match &request.options {
        Some(Options::Preset(preset)) => {
            let name = proto::EncodingOptionsPreset::try_from(*preset)
                .unwrap_or_default()
                .as_str_name();
            fields.push(("preset", Json::Name(name, false)));
        }
        Some(Options::Advanced(options)) => {
            fields.push(("advanced", Json::Message(encoding(options))))
        }
        None => {}
    }
    let files = request
        .file_outputs
        .iter()
        .map(|it| Json::Message(file_output(it)));
    fields.extend([
        ("file_outputs", Json::List(files.collect())),
        ("stream_outputs", Json::List(Vec::new())),
        ("segment_outputs", Json::List(Vec::new())),
        ("image_outputs", Json::List(Vec::new())),
        ("webhooks", Json::List(Vec::new())),
    ]);
    fields
}

#[expect(deprecated, reason = "LiveKit still sends them")]
fn encoding(options: &proto::EncodingOptions) -> Fields {
    vec![
        ("width", number(options.width)),
        ("height", number(options.height)),
        ("depth", number(options.depth)),
        ("framerate", number(options.framerate)),
        (
            "audio_codec",
            Json::Name(
                options.audio_codec().as_str_name(),
                options.audio_codec == 0,
            ),
        ),
        ("audio_bitrate", number(options.audio_bitrate)),
        ("audio_quality", number(options.audio_quality)),
        ("audio_frequency", number(options.audio_frequency)),
        (
            "video_codec",
            Json::Name(
                options.video_codec().as_str_name(),
                options.video_codec == 0,
            ),
        ),
        ("video_bitrate", number(options.video_bitrate)),
        ("video_quality", number(options.video_quality)),
        (
            "key_frame_interval",
            Json::Number(options.key_frame_interval),
        ),
    ]
}

fn file_output(output: &proto::EncodedFileOutput) -> Fields {
    let mut fields = vec![
        (
            "file_type",
            Json::Name(output.file_type().as_str_name(), output.file_type == 0),
        ),
        ("filepath", text(&output.filepath)),
        ("disable_manifest", Json::Flag(output.disable_manifest)),
    ];
    if let Some(Target::S3(upload)) = &output.output {
        fields.push(("s3", Json::Message(s3(upload))));
    }
    fields
}

fn s3(upload: &proto::S3Upload) -> Fields {
    let metadata = upload
        .metadata
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    vec![
        ("access_key", text(&upload.access_key)),
        ("secret", text(&upload.secret)),
        ("session_token", text(&upload.session_token)),
        ("assume_role_arn", text(&upload.assume_role_arn)),
        (
            "assume_role_external_id",
            text(&upload.assume_role_external_id),
        ),
        ("region", text(&upload.region)),
        ("endpoint", text(&upload.endpoint)),
        ("bucket", text(&upload.bucket)),
        ("force_path_style", Json::Flag(upload.force_path_style)),
        ("metadata", Json::Map(metadata)),
        ("tagging", text(&upload.tagging)),
        ("content_disposition", text(&upload.content_disposition)),
        ("proxy", Json::Absent),
    ]
}

fn number(value: impl Into<f64>) -> Json {
    Json::Number(value.into())
}
