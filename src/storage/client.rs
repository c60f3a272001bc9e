//! One bucket: looks at an object, and puts one.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_s3::{
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, retry::RetryConfig, timeout::TimeoutConfig,
    },
    primitives::ByteStream,
};
use aws_smithy_http_client::{Builder, tls};
use secrecy::ExposeSecret;

use super::{
    error::{Error, status},
    session::Session,
};
use crate::domain::{Addressing, KeyLookup, StorageKey, is_aws};

/// Which bucket, and the key to it.
pub struct Config {
    pub key: KeyLookup,
    pub bucket: String,
    /// `None`: AWS itself.
    pub endpoint: Option<String>,
    pub region: String,
    pub addressing: Addressing,
}

/// Cheap to clone: clones share one connection pool.
#[derive(Clone)]
pub struct Client {
    /// The SDK's configuration without the key.
    config: aws_sdk_s3::Config,
    key: KeyLookup,
    /// The key that was used last, and the SDK's client for it.
    last: Arc<Mutex<Option<(StorageKey, aws_sdk_s3::Client)>>>,
    pub(super) bucket: String,
}

/// The answer for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectHead {
    /// `size` in bytes.
    Found {
        size: u64,
    },
    Missing,
}

impl Client {
    /// A client with its own connections and limits of time.
    pub fn new(config: Config) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(10))
            .operation_attempt_timeout(Duration::from_secs(15))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let https = Builder::new().tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ));
        let mut builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region))
            .force_path_style(config.addressing == Addressing::Path)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .http_client(https.build_https());
        if let Some(endpoint) = config.endpoint {
            if !is_aws(&endpoint) {
                // B2 and older storages reject the SDK's own checksum headers.
                builder = builder
                    .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            }
            builder = builder.endpoint_url(endpoint);
        }
        Self {
            config: builder.build(),
            key: config.key,
            last: Arc::default(),
            bucket: config.bucket,
        }
    }

    /// The SDK's client with the current key.
    pub(super) fn session(&self) -> Result<Session, Error> {
        let key = self.key.get()?;
        let is_temporary = key.is_temporary();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, s3)) = last.as_ref()
            && *known == key
        {
            let s3 = s3.clone();
            return Ok(Session { s3, is_temporary });
        }
        let token = key.session_token.as_ref();
        let credentials = Credentials::new(
            key.access_key.as_str(),
            key.secret_key.expose_secret(),
            token.map(|token| token.expose_secret().to_owned()),
            None,
            "livekit-airtable",
        );
        let config = self.config.to_builder().credentials_provider(credentials);
        let s3 = aws_sdk_s3::Client::from_conf(config.build());
        *last = Some((key, s3.clone()));
        Ok(Session { s3, is_temporary })
    }

    /// Checks whether the object exists, and returns its size.
    pub async fn head(&self, key: &str) -> Result<ObjectHead, Error> {
        let session = self.session()?;
        match session
            .s3
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
        {
            Ok(head) => {
                let size = head
                    .content_length()
                    .and_then(|n| u64::try_from(n).ok())
                    .unwrap_or_default();
                Ok(ObjectHead::Found { size })
            }
            // HEAD has no body, so a missing bucket looks the same.
            Err(e) if status(&e) == Some(404) => Ok(ObjectHead::Missing),
            Err(e) => Err(session.failed(e)),
        }
    }

    /// Uploads a UTF-8 text beside the recordings.
    pub async fn put_text(&self, key: &str, text: String) -> Result<(), Error> {
        let session = self.session()?;
        let put = session
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("text/plain; charset=utf-8");
        put.body(ByteStream::from(text.into_bytes()))
            .send()
            .await
            .map(|_| ())
            .map_err(|e| session.failed(e))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
