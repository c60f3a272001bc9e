//! Recordings and rooms at LiveKit: start, list, stop.
//!
//! An audio-only room composite needs no Chrome when `layout` and `custom_base_url` stay empty; the codec is always
//! named, because MP3 with `livekit-api`'s default (Opus) makes the egress worker shut itself down.

use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use livekit_protocol as proto;
use secrecy::{ExposeSecret, SecretString};

use super::info::{participant_form, webhook_form};
use super::twirp::{Call, Twirp};
pub use super::twirp::{Error, Kind};
use crate::domain::FileType;

/// A start takes as long as LiveKit looks for a free egress worker: 6-9 s, and 20-24 s were measured. A start that is
/// cut off may have been made, so it is better answered late than not at all.
const START_TIMEOUT: Duration = Duration::from_secs(45);
const TIMEOUT: Duration = Duration::from_secs(10);

pub struct Config {
    /// `http://…` or `https://…`
    pub url: String,
    pub api_key: String,
    pub api_secret: SecretString,
}

/// What a recording is to be, and where it goes.
#[derive(Clone)]
pub struct Output {
    pub upload: Upload,
    pub file_type: FileType,
    /// The agent left, everyone else right.
    pub dual: bool,
}

/// The bucket as LiveKit's egress sees it.
#[derive(Clone)]
pub struct Upload {
    pub access_key: String,
    pub secret_key: SecretString,
    pub region: String,
    /// None is AWS itself.
    pub endpoint: Option<String>,
    pub bucket: String,
}

#[derive(Clone)]
pub struct Client {
    twirp: Twirp,
}

/// What became of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It is ending; the EgressInfo as JSON.
    Yes(String),
    /// It had ended before, or LiveKit does not know it (any more).
    AlreadyOver,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub sid: String,
    pub name: String,
    pub metadata: String,
    pub creation_time_ms: i64,
    /// Without agents and egresses (livekit-server's `IsDependent`); some seconds old.
    pub num_participants: u32,
}

impl Client {
    pub fn new(config: Config, http: reqwest::Client) -> Self {
        Self {
            twirp: Twirp {
                http,
                url: config.url,
                api_key: config.api_key,
                api_secret: config.api_secret,
            },
        }
    }

    /// LIVEKIT_API_KEY; no secret.
    pub fn api_key(&self) -> &str {
        &self.twirp.api_key
    }

    /// Starts a recording into the object `path`: the EgressInfo, as JSON in the form of LiveKit's webhooks.
    ///
    /// LiveKit has no idempotency key. After an error of kind [`Kind::Unanswered`] the recording may run: list before
    /// another start.
    pub async fn start(
        &self,
        room_name: &str,
        path: &str,
        output: &Output,
    ) -> Result<String, Error> {
        let call = Call {
            service: "Egress",
            method: "StartRoomCompositeEgress",
            timeout: START_TIMEOUT,
            starts: true,
        };
        let request = output.request(room_name, path);
        let info: proto::EgressInfo = self.twirp.post(call, recording(), &request).await?;
        Ok(webhook_form(&info).to_string())
    }

    /// All recordings, as JSON in the form of LiveKit's webhooks, in no order. LiveKit keeps ended ones for a day.
    pub async fn list(&self, room_name: Option<&str>, active: bool) -> Result<Vec<String>, Error> {
        let call = Call {
            service: "Egress",
            method: "ListEgress",
            timeout: TIMEOUT,
            starts: false,
        };
        let mut request = proto::ListEgressRequest {
            room_name: room_name.unwrap_or_default().to_owned(),
            active,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page: proto::ListEgressResponse =
                self.twirp.post(call, recording(), &request).await?;
            found.extend(page.items.iter().map(|item| webhook_form(item).to_string()));
            let next = page
                .next_page_token
                .map(|t| t.token)
                .filter(|t| !t.is_empty());
            // A server that gives the same token again would keep us here for ever.
            let last = request.page_token.take().map(|t| t.token);
            match next {
                Some(token) if Some(&token) != last.as_ref() => {
                    request.page_token = Some(proto::TokenPagination { token });
                }
                _ => return Ok(found),
            }
        }
    }

    /// Ends a recording; what was recorded is uploaded.
    pub async fn stop(&self, egress_id: &str) -> Result<Stopped, Error> {
        let call = Call {
            service: "Egress",
            method: "StopEgress",
            timeout: TIMEOUT,
            starts: false,
        };
        let request = proto::StopEgressRequest {
            egress_id: egress_id.to_owned(),
        };
        let stopped = self.twirp.post(call, recording(), &request).await;
        match stopped {
            Ok(info) => Ok(Stopped::Yes(webhook_form(&info).to_string())),
            Err(e) if e.kind() == Kind::NotFound || e.status() == Some(412) => {
                Ok(Stopped::AlreadyOver)
            }
            Err(e) => Err(e),
        }
    }

    /// The rooms of these names that are open now; all open ones for no name.
    pub async fn rooms(&self, names: &[String]) -> Result<Vec<Room>, Error> {
        let call = Call {
            service: "RoomService",
            method: "ListRooms",
            timeout: TIMEOUT,
            starts: false,
        };
        let grants = VideoGrants {
            room_list: true,
            ..Default::default()
        };
        let request = proto::ListRoomsRequest {
            names: names.to_vec(),
        };
        let rooms: proto::ListRoomsResponse = self.twirp.post(call, grants, &request).await?;
        Ok(rooms.rooms.into_iter().map(Room::from).collect())
    }

    /// Who is in this room now, as JSON in the form of LiveKit's webhooks; nobody in a room that is not open.
    pub async fn participants(&self, room_name: &str) -> Result<Vec<String>, Error> {
        let call = Call {
            service: "RoomService",
            method: "ListParticipants",
            timeout: TIMEOUT,
            starts: false,
        };
        let grants = VideoGrants {
            room_admin: true,
            room: room_name.to_owned(),
            ..Default::default()
        };
        let request = proto::ListParticipantsRequest {
            room: room_name.to_owned(),
        };
        let listed: proto::ListParticipantsResponse =
            self.twirp.post(call, grants, &request).await?;
        let people = listed.participants.iter();
        Ok(people
            .map(|info| participant_form(info).to_string())
            .collect())
    }
}

impl Output {
    fn request(&self, room_name: &str, path: &str) -> proto::RoomCompositeEgressRequest {
        use proto::{
            AudioCodec, AudioMixing, EncodedFileType, room_composite_egress_request::Options,
        };
        let (file_type, codec) = match self.file_type {
            FileType::Mp3 => (EncodedFileType::Mp3, AudioCodec::AcMp3),
            FileType::Ogg => (EncodedFileType::Ogg, AudioCodec::Opus),
            FileType::Mp4 => (EncodedFileType::Mp4, AudioCodec::Aac),
        };
        let mixing = if self.dual {
            AudioMixing::DualChannelAgent
        } else {
            AudioMixing::DefaultMixing
        };
        let upload = proto::S3Upload {
            access_key: self.upload.access_key.clone(),
            secret: self.upload.secret_key.expose_secret().to_owned(),
            region: self.upload.region.clone(),
            endpoint: self.upload.endpoint.clone().unwrap_or_default(),
            bucket: self.upload.bucket.clone(),
            force_path_style: true,
            ..Default::default()
        };
        let file = proto::EncodedFileOutput {
            file_type: file_type.into(),
            filepath: path.to_owned(),
            disable_manifest: true,
            output: Some(proto::encoded_file_output::Output::S3(upload)),
        };
        proto::RoomCompositeEgressRequest {
            room_name: room_name.to_owned(),
            audio_only: true,
            audio_mixing: mixing.into(),
            file_outputs: vec![file],
            options: Some(Options::Advanced(proto::EncodingOptions {
                audio_codec: codec.into(),
                ..Default::default()
            })),
            ..Default::default()
        }
    }
}

fn recording() -> VideoGrants {
    VideoGrants {
        room_record: true,
        ..Default::default()
    }
}

impl From<proto::Room> for Room {
    fn from(room: proto::Room) -> Self {
        // Older servers tell whole seconds only.
        let creation_time_ms = match room.creation_time_ms {
            0 => room.creation_time.saturating_mul(1000),
            millis => millis,
        };
        Self {
            sid: room.sid,
            name: room.name,
            metadata: room.metadata,
            creation_time_ms,
            num_participants: room.num_participants,
        }
    }
}
