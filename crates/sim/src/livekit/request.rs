//! The request to start an egress: its file and target, and how EgressInfo repeats it.

use axum::http::StatusCode;
use jiff::Timestamp;
use livekit_protocol as proto;
use proto::encoded_file_output::Output as Target;
use proto::room_composite_egress_request::{Options, Output};
use proto::{
    AudioCodec, EgressInfo, EncodedFileOutput, EncodedFileType, RoomCompositeEgressRequest,
};

use super::world::Egress;
use super::{clock, twirp, upload};

/// 503: no egress worker answers.
pub(super) fn unavailable() -> twirp::Error {
    twirp::Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "twirp error unknown: no response from servers",
    )
}

/// 400: the request has no file output to S3.
pub(super) fn no_output() -> twirp::Error {
    let message = "twirp error unknown: request has missing or invalid field: output";
    twirp::Error::new(StatusCode::BAD_REQUEST, "invalid_argument", message)
}

/// The file that the request asks for, if it goes to S3.
#[expect(deprecated, reason = "older clients still ask with a single `file`")]
pub(super) fn file_output(request: &RoomCompositeEgressRequest) -> Option<&EncodedFileOutput> {
    let single = match &request.output {
        Some(Output::File(file)) => Some(file),
        _ => None,
    };
    let output = request.file_outputs.first().or(single)?;
    matches!(output.output, Some(Target::S3(_))).then_some(output)
}

/// Whether it asks for Opus in an MP3, as `livekit-api` 0.10 does by default. The egress worker fails on it.
pub(super) fn opus_in_mp3(
    request: &RoomCompositeEgressRequest,
    output: &EncodedFileOutput,
) -> bool {
    let opus = matches!(&request.options, Some(Options::Advanced(options)) if options.audio_codec() == AudioCodec::Opus);
    opus && upload::file_type(output) == EncodedFileType::Mp3
}

/// A starting egress. A `stuck` one ignores what happens to the room.
pub(super) fn new_egress(
    room: &proto::Room,
    request: &RoomCompositeEgressRequest,
    output: &EncodedFileOutput,
    stuck: bool,
) -> Egress {
    let target = match &output.output {
        Some(Target::S3(upload)) => Some(upload.clone()),
        _ => None,
    };
    let now = clock::now();
    let started_at = clock::nanoseconds();
    let info = EgressInfo {
        egress_id: clock::id("EG_"),
        room_id: room.sid.clone(),
        room_name: room.name.clone(),
        source_type: proto::EgressSourceType::Sdk.into(),
        started_at,
        updated_at: started_at,
        request: Some(proto::egress_info::Request::RoomComposite(redacted(
            request.clone(),
        ))),
        ..Default::default()
    };
    let mut egress = Egress {
        info,
        target,
        active_since: None,
        stuck,
    };
    let filename = filename(output, room, now);
    egress.set_file(|file| file.filename = filename);
    egress
}

/// The request without the storage's keys, as LiveKit repeats it.
#[expect(deprecated, reason = "older clients still ask with a single `file`")]
pub(super) fn redacted(mut request: RoomCompositeEgressRequest) -> RoomCompositeEgressRequest {
    let single = match &mut request.output {
        Some(Output::File(file)) => Some(file),
        _ => None,
    };
    for output in request.file_outputs.iter_mut().chain(single) {
        if let Some(Target::S3(upload)) = &mut output.output {
            "{access_key}".clone_into(&mut upload.access_key);
            "{secret}".clone_into(&mut upload.secret);
            if !upload.session_token.is_empty() {
                "{session_token}".clone_into(&mut upload.session_token);
            }
        }
    }
    request
}

/// The object's key: templates filled in, names unchanged, and an extension added if it is missing.
pub(super) fn filename(output: &EncodedFileOutput, room: &proto::Room, now: Timestamp) -> String {
    let mut path = output.filepath.clone();
    if path.is_empty() || path.ends_with('/') {
        path.push_str("{room_name}-{time}");
    }
    let path = path
        .replace("{room_name}", &room.name)
        .replace("{room_id}", &room.sid)
        .replace("{time}", &now.strftime("%Y-%m-%dT%H%M%S").to_string())
        .replace("{utc}", &now.strftime("%Y%m%d%H%M%S%3f").to_string());
    let extension = upload::extension(upload::file_type(output));
    if path.ends_with(extension) {
        path
    } else {
        path + extension
    }
}
