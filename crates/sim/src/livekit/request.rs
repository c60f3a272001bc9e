//! What a request to start an egress asks for: the file, where it goes, and how it is told again.

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

pub fn unavailable() -> twirp::Error {
    twirp::Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "twirp error unknown: no response from servers",
    )
}

pub fn no_output() -> twirp::Error {
    let message = "twirp error unknown: request has missing or invalid field: output";
    twirp::Error::new(StatusCode::BAD_REQUEST, "invalid_argument", message)
}

#[expect(deprecated, reason = "older clients still ask with a single `file`")]
pub fn file_output(request: &RoomCompositeEgressRequest) -> Option<&EncodedFileOutput> {
    let single = match &request.output {
        Some(Output::File(file)) => Some(file),
        _ => None,
    };
    let output = request.file_outputs.first().or(single)?;
    matches!(output.output, Some(Target::S3(_))).then_some(output)
}

/// What `livekit-api` 0.10 asks for when nobody tells it otherwise.
pub fn opus_in_mp3(request: &RoomCompositeEgressRequest, output: &EncodedFileOutput) -> bool {
    let opus = matches!(&request.options, Some(Options::Advanced(options)) if options.audio_codec() == AudioCodec::Opus);
    opus && upload::file_type(output) == EncodedFileType::Mp3
}

pub fn new_egress(
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

#[expect(deprecated, reason = "older clients still ask with a single `file`")]
pub fn redacted(mut request: RoomCompositeEgressRequest) -> RoomCompositeEgressRequest {
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

/// The object's key: templates filled in, names as they are, and an extension if there was none.
pub fn filename(output: &EncodedFileOutput, room: &proto::Room, now: Timestamp) -> String {
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
