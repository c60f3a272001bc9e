//! One bucket: looks at an object, and puts one.

use std::{fmt, time::Duration};

use aws_sdk_s3::{
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, retry::RetryConfig, timeout::TimeoutConfig,
    },
    primitives::ByteStream,
};
use aws_smithy_http_client::{Builder, tls};
use secrecy::{ExposeSecret, SecretString};

use super::error::{Error, failed, status};

/// Which bucket, and the key to it.
pub struct Config {
    pub access_key: String,
    pub secret_key: SecretString,
    pub bucket: String,
    /// `None`: AWS itself.
    pub endpoint: Option<String>,
    pub region: String,
}

/// Cheap to clone: clones share one connection pool.
#[derive(Clone)]
pub struct Client {
    pub(super) s3: aws_sdk_s3::Client,
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
        let credentials = Credentials::new(
            config.access_key,
            config.secret_key.expose_secret(),
            None,
            None,
            "livekit-airtable",
        );
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
            .credentials_provider(credentials)
            .force_path_style(true)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .http_client(https.build_https());
        if let Some(endpoint) = config.endpoint {
            if !endpoint.trim_end_matches('/').ends_with(".amazonaws.com") {
                // B2 and older storages reject the SDK's own checksum headers.
                builder = builder
                    .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                    .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            }
            builder = builder.endpoint_url(endpoint);
        }
        Self {
            s3: aws_sdk_s3::Client::from_conf(builder.build()),
            bucket: config.bucket,
        }
    }

    /// Checks whether the object exists, and returns its size.
    pub async fn head(&self, key: &str) -> Result<ObjectHead, Error> {
        match self
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
            Err(e) => Err(failed(e)),
        }
    }

    /// Uploads a UTF-8 text beside the recordings.
    pub async fn put_text(&self, key: &str, text: String) -> Result<(), Error> {
        let put = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("text/plain; charset=utf-8");
        put.body(ByteStream::from(text.into_bytes()))
            .send()
            .await
            .map(|_| ())
            .map_err(failed)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
