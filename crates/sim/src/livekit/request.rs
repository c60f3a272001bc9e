//! The requests that start an egress: their file and target.

use axum::http::StatusCode;
use jiff::Timestamp;
use livekit_protocol as proto;
use proto::egress_info::Request;
use proto::room_composite_egress_request::{Options, Output};
use proto::{AudioCodec, EgressInfo, EncodedFileType, RoomCompositeEgressRequest};

use super::redact::redacted;
use super::target::{self, Target};
use super::world::Egress;
use super::{clock, twirp, upload};

/// A start of any kind: which room, what LiveKit repeats of the request, and the file.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// Empty for a web page.
    pub room_name: String,
    pub request: Request,
    /// None: streams, segments or images alone.
    pub file: Option<FileStart>,
    /// The egress worker fails on Opus in an MP3, as `livekit-api` 0.10 asks for by default.
    pub fails: bool,
}

/// A file that is asked for.
#[derive(Debug, Clone)]
pub(super) struct FileStart {
    pub filepath: String,
    pub file_type: EncodedFileType,
    pub target: Target,
}

/// 503: no egress worker answers.
pub(super) fn unavailable() -> twirp::Error {
    twirp::Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "twirp error unknown: no response from servers",
    )
}

/// 400: the request has no output.
pub(super) fn no_output() -> twirp::Error {
    let message = "twirp error unknown: request has missing or invalid field: output";
    twirp::Error::new(StatusCode::BAD_REQUEST, "invalid_argument", message)
}

impl Start {
    /// StartRoomCompositeEgress, and the automatic egress of CreateRoom.
    #[expect(deprecated, reason = "older clients still ask with a single `file`")]
    pub(super) fn room_composite(
        request: RoomCompositeEgressRequest,
    ) -> Result<Start, twirp::Error> {
        let single = match &request.output {
            Some(Output::File(file)) => Some(file),
            _ => None,
        };
        let file = request.file_outputs.first().or(single).map(encoded_file);
        let others = request.output.is_some()
            || !request.stream_outputs.is_empty()
            || !request.segment_outputs.is_empty()
            || !request.image_outputs.is_empty();
        if file.is_none() && !others {
            return Err(no_output());
        }
        let mp3 = file
            .as_ref()
            .is_some_and(|it| it.file_type == EncodedFileType::Mp3);
        Ok(Start {
            room_name: request.room_name.clone(),
            fails: mp3 && asks_for_opus(&request),
            file,
            request: Request::RoomComposite(request),
        })
    }

    /// StartEgress, the second API.
    pub(super) fn egress(request: proto::StartEgressRequest) -> Result<Start, twirp::Error> {
        use proto::output::Config;
        let default = request.storage.as_ref();
        let file = request
            .outputs
            .iter()
            .find_map(|output| match &output.config {
                Some(Config::File(file)) => Some(FileStart {
                    filepath: file.filepath.clone(),
                    file_type: upload::file_type(file.file_type(), &file.filepath),
                    target: target::of_storage(output.storage.as_ref().or(default)),
                }),
                _ => None,
            });
        if request.outputs.is_empty() {
            return Err(no_output());
        }
        Ok(Start {
            room_name: request.room_name.clone(),
            file,
            fails: false,
            request: Request::Egress(request),
        })
    }

    /// StartTrackEgress.
    pub(super) fn track(request: proto::TrackEgressRequest) -> Start {
        use proto::track_egress_request::Output;
        let file = match &request.output {
            Some(Output::File(file)) => Some(FileStart {
                filepath: file.filepath.clone(),
                file_type: EncodedFileType::Ogg,
                target: target::of_track(file),
            }),
            _ => None,
        };
        Start {
            room_name: request.room_name.clone(),
            file,
            fails: false,
            request: Request::Track(request),
        }
    }

    /// StartTrackCompositeEgress.
    pub(super) fn track_composite(request: proto::TrackCompositeEgressRequest) -> Start {
        Start {
            room_name: request.room_name.clone(),
            file: request.file_outputs.first().map(encoded_file),
            fails: false,
            request: Request::TrackComposite(request),
        }
    }

    /// StartParticipantEgress.
    pub(super) fn participant(request: proto::ParticipantEgressRequest) -> Start {
        Start {
            room_name: request.room_name.clone(),
            file: request.file_outputs.first().map(encoded_file),
            fails: false,
            request: Request::Participant(request),
        }
    }

    /// A starting egress. One that fails ignores what happens to the room.
    pub(super) fn new_egress(&self, room: &proto::Room) -> Egress {
        let started_at = clock::nanoseconds();
        let info = EgressInfo {
            egress_id: clock::id("EG_"),
            room_id: room.sid.clone(),
            room_name: room.name.clone(),
            source_type: proto::EgressSourceType::Sdk.into(),
            started_at,
            updated_at: started_at,
            request: Some(redacted(self.request.clone())),
            ..Default::default()
        };
        let mut egress = Egress {
            info,
            target: self.file.as_ref().map(|file| file.target.clone()),
            active_since: None,
            stuck: self.fails,
        };
        if let Some(file) = &self.file {
            let filename = file.filename(room, clock::now());
            egress.set_file(|it| it.filename = filename);
        }
        egress
    }
}

fn encoded_file(output: &proto::EncodedFileOutput) -> FileStart {
    FileStart {
        filepath: output.filepath.clone(),
        file_type: upload::file_type(output.file_type(), &output.filepath),
        target: target::of_file(output),
    }
}

fn asks_for_opus(request: &RoomCompositeEgressRequest) -> bool {
    matches!(&request.options, Some(Options::Advanced(options)) if options.audio_codec() == AudioCodec::Opus)
}

impl FileStart {
    /// The object's key: templates filled in, names unchanged, and an extension added if it is missing.
    fn filename(&self, room: &proto::Room, now: Timestamp) -> String {
        let mut path = self.filepath.clone();
        if path.is_empty() || path.ends_with('/') {
            path.push_str("{room_name}-{time}");
        }
        let path = path
            .replace("{room_name}", &room.name)
            .replace("{room_id}", &room.sid)
            .replace("{time}", &now.strftime("%Y-%m-%dT%H%M%S").to_string())
            .replace("{utc}", &now.strftime("%Y%m%d%H%M%S%3f").to_string());
        let extension = upload::extension(self.file_type);
        if path.ends_with(extension) {
            path
        } else {
            path + extension
        }
    }
}
