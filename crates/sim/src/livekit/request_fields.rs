//! The request that EgressInfo repeats, as JSON fields in the order in which protobuf declares them.

use livekit_protocol as proto;
use proto::encoded_file_output::Output as Target;
use proto::room_composite_egress_request::{Options, Output};

use super::json::{Fields, Json, number, text};

/// The request under the name of its field.
pub(super) fn request(request: &proto::egress_info::Request) -> (&'static str, Json) {
    use proto::egress_info::Request;
    match request {
        Request::RoomComposite(it) => ("room_composite", Json::Message(room_composite(it))),
        Request::Egress(it) => ("egress", other(it)),
        Request::Replay(it) => ("replay", other(it)),
        Request::Web(it) => ("web", other(it)),
        Request::Participant(it) => ("participant", other(it)),
        Request::TrackComposite(it) => ("track_composite", other(it)),
        Request::Track(it) => ("track", other(it)),
    }
}

fn other(message: &impl serde::Serialize) -> Json {
    Json::Other(serde_json::to_value(message).unwrap_or_default())
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
        ("stream_outputs", other(&request.stream_outputs)),
        ("segment_outputs", other(&request.segment_outputs)),
        ("image_outputs", other(&request.image_outputs)),
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
    fields.extend(output.output.as_ref().map(|target| match target {
        Target::S3(upload) => ("s3", Json::Message(s3(upload))),
        Target::Gcp(upload) => ("gcp", other(upload)),
        Target::Azure(upload) => ("azure", other(upload)),
        Target::AliOss(upload) => ("aliOSS", other(upload)),
    }));
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
