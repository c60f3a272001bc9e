//! What LiveKit is asked to record, and where it uploads the file.
//!
//! An audio-only room composite needs no Chrome when `layout` and `custom_base_url` stay empty; the codec is always
//! named, because MP3 with `livekit-api`'s default (Opus) makes the egress worker shut itself down.

use livekit_protocol as proto;
use secrecy::ExposeSecret;

use crate::domain::{Addressing, Channels, FileType, KeyLookup, KeyUnreadable};

/// The format and destination of recordings.
#[derive(Clone)]
pub struct Output {
    pub upload: Upload,
    pub file_type: FileType,
    pub channels: Channels,
}

/// The bucket as LiveKit's egress reaches it.
#[derive(Clone)]
pub struct Upload {
    /// Written into each request, so that a temporary key is the one of that moment.
    pub key: KeyLookup,
    pub region: String,
    pub addressing: Addressing,
    /// `None`: AWS itself.
    pub endpoint: Option<String>,
    pub bucket: String,
}

impl Output {
    /// The request that starts a recording of this room into the object `path`.
    ///
    /// # Errors
    /// When the bucket's key cannot be read.
    pub(super) fn request(
        &self,
        room_name: &str,
        path: &str,
    ) -> Result<proto::RoomCompositeEgressRequest, KeyUnreadable> {
        use proto::{
            AudioCodec, AudioMixing, EncodedFileType, room_composite_egress_request::Options,
        };
        let (file_type, codec) = match self.file_type {
            FileType::Mp3 => (EncodedFileType::Mp3, AudioCodec::AcMp3),
            FileType::Ogg => (EncodedFileType::Ogg, AudioCodec::Opus),
            FileType::Mp4 => (EncodedFileType::Mp4, AudioCodec::Aac),
        };
        let mixing = match self.channels {
            Channels::Dual => AudioMixing::DualChannelAgent,
            Channels::Mixed => AudioMixing::DefaultMixing,
        };
        let file = proto::EncodedFileOutput {
            file_type: file_type.into(),
            filepath: path.to_owned(),
            disable_manifest: true,
            output: Some(proto::encoded_file_output::Output::S3(
                self.upload.request()?,
            )),
        };
        Ok(proto::RoomCompositeEgressRequest {
            room_name: room_name.to_owned(),
            audio_only: true,
            audio_mixing: mixing.into(),
            file_outputs: vec![file],
            options: Some(Options::Advanced(proto::EncodingOptions {
                audio_codec: codec.into(),
                ..Default::default()
            })),
            ..Default::default()
        })
    }
}

impl Upload {
    fn request(&self) -> Result<proto::S3Upload, KeyUnreadable> {
        let key = self.key.get()?;
        let token = key.session_token.as_ref();
        Ok(proto::S3Upload {
            access_key: key.access_key,
            secret: key.secret_key.expose_secret().to_owned(),
            session_token: token.map_or_else(String::new, |it| it.expose_secret().to_owned()),
            region: self.region.clone(),
            endpoint: self.endpoint.clone().unwrap_or_default(),
            bucket: self.bucket.clone(),
            force_path_style: self.addressing == Addressing::Path,
            ..Default::default()
        })
    }
}
