//! The upload of a recording to the bucket of the request, with the request's keys. It is an MP3, whatever the file's type: a
//! silent one, or the one that was set.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use livekit_protocol::{EncodedFileType, S3Upload};

use super::target::Target;

use crate::mp3::{self, Channels};

/// A recording to upload.
#[derive(Debug)]
pub(super) struct Upload {
    pub target: Target,
    pub key: String,
    pub length: Duration,
    /// The file; None: a silent one of this length.
    pub recording: Option<Arc<[u8]>>,
}

impl Upload {
    /// Uploads it and returns the number of bytes, or the error as LiveKit's egress words it.
    pub(super) async fn run(&self) -> Result<i64, String> {
        match &self.target {
            Target::S3(target) => self.put(target).await,
            Target::Named { .. } | Target::Unnamed => {
                let recording = self.recording().await;
                Ok(i64::try_from(recording.len()).unwrap_or(i64::MAX))
            }
        }
    }

    /// The same upload behind a prefix of the egress service, which `filename` does not have.
    pub(super) fn below(self, prefix: &str) -> Upload {
        if prefix.is_empty() {
            return self;
        }
        let key = format!("{prefix}/{}", self.key.trim_start_matches('/'));
        Upload { key, ..self }
    }

    /// The file. A long one takes a while, on a thread that answers no requests.
    async fn recording(&self) -> Vec<u8> {
        if let Some(recording) = &self.recording {
            return recording.to_vec();
        }
        let length = self.length;
        let generated =
            tokio::task::spawn_blocking(move || mp3::generate(length, Channels::Stereo));
        generated.await.unwrap_or_default()
    }

    async fn put(&self, target: &S3Upload) -> Result<i64, String> {
        let recording = self.recording().await;
        let size = i64::try_from(recording.len()).unwrap_or(i64::MAX);
        let disposition = Some(target.content_disposition.clone()).filter(|it| !it.is_empty());
        let put = client(target)
            .put_object()
            .bucket(&target.bucket)
            .key(&self.key)
            .content_type(content_type(&self.key))
            .set_content_disposition(disposition)
            .set_metadata(Some(target.metadata.clone()))
            .body(recording.into());
        put.send().await.map_err(|error| upload_error(&error))?;
        Ok(size)
    }

    /// The address as LiveKit reports it; on the disk of the egress host, the path.
    pub(super) fn location(&self) -> String {
        match &self.target {
            Target::S3(target) => s3_location(target, &self.key),
            Target::Named { location } => format!("{location}{}", self.key),
            Target::Unnamed => format!("/{}", self.key.trim_start_matches('/')),
        }
    }
}

fn client(target: &S3Upload) -> Client {
    let token = Some(target.session_token.clone()).filter(|token| !token.is_empty());
    let keys = Credentials::new(
        &target.access_key,
        &target.secret,
        token,
        None,
        "egress request",
    );
    let tls = Provider::Rustls(CryptoMode::Ring);
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(target.region.clone()))
        .credentials_provider(keys)
        .force_path_style(target.force_path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .http_client(
            aws_smithy_http_client::Builder::new()
                .tls_provider(tls)
                .build_https(),
        );
    if !target.endpoint.is_empty() {
        config = config.endpoint_url(&target.endpoint);
    }
    Client::from_conf(config.build())
}

/// Not percent-encoded, and `https://` even for an `http://` endpoint.
fn s3_location(target: &S3Upload, key: &str) -> String {
    let S3Upload {
        endpoint,
        bucket,
        region,
        force_path_style,
        ..
    } = target;
    let host = endpoint
        .split_once("://")
        .map_or(endpoint.as_str(), |(_, host)| host);
    match (host, force_path_style) {
        ("", _) => format!("https://{bucket}.s3.{region}.amazonaws.com/{key}"),
        (host, true) => format!("https://{host}/{bucket}/{key}"),
        // The endpoint as it was given, with its scheme.
        (_, false) => format!("https://{bucket}.{endpoint}/{key}"),
    }
}

fn upload_error(error: &SdkError<PutObjectError>) -> String {
    let operation = "err: operation error S3: PutObject";
    let Some(response) = error.raw_response() else {
        return format!(
            "{operation}, https response error StatusCode: 0, RequestID: , HostID: , request send failed"
        );
    };
    let status = response.status().as_u16();
    let code = error.code().unwrap_or("UnknownError");
    let message = error.message().unwrap_or_default();
    let response = format!("https response error StatusCode: {status}, RequestID: , HostID: ");
    format!("{operation}, {response}, api error {code}: {message}, status code: {status}")
}

/// The type that the request names, else the one of the path's extension, else Ogg, LiveKit's default for audio.
pub(super) fn file_type(said: EncodedFileType, filepath: &str) -> EncodedFileType {
    if said != EncodedFileType::DefaultFiletype {
        return said;
    }
    let types = [EncodedFileType::Mp3, EncodedFileType::Mp4];
    let by_path = types
        .into_iter()
        .find(|it| filepath.ends_with(extension(*it)));
    by_path.unwrap_or(EncodedFileType::Ogg)
}

/// The extension with its dot.
pub(super) fn extension(file_type: EncodedFileType) -> &'static str {
    match file_type {
        EncodedFileType::Mp3 => ".mp3",
        EncodedFileType::Mp4 => ".mp4",
        EncodedFileType::Ogg | EncodedFileType::DefaultFiletype => ".ogg",
    }
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("mp3") => "audio/mpeg",
        Some("mp4") => "video/mp4",
        _ => "audio/ogg",
    }
}
