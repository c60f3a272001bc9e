//! The bucket: checks whether a recording exists and creates URLs for it. Works with any S3-compatible storage (R2,
//! AWS, B2, MinIO …).

use std::{fmt, time::Duration};

use aws_sdk_s3::{
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use aws_smithy_http_client::{Builder, tls};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

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
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// The answer for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredObject {
    /// `size` in bytes.
    Found {
        size: u64,
    },
    Missing,
}

/// An object as returned by a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When the object was written, to the second.
    pub modified_at: Timestamp,
}

/// One page of a listing, at most 1,000 objects.
#[derive(Debug)]
pub struct ListPage {
    pub objects: Vec<Listed>,
    /// The token for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// The method that a presigned URL is for: a URL signed for GET answers 403 to HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

/// What to do about a request that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also AWS's answer for a missing object if the key may not list the bucket.
    #[error(
        "the storage refused access (403): check S3_ACCESS_KEY, S3_SECRET_KEY and the key's permissions for S3_BUCKET (on AWS, a missing object gives the same error without s3:ListBucket)"
    )]
    Forbidden,
    #[error(
        "the storage rejected the request ({status} {code}): check S3_ENDPOINT, S3_REGION and S3_BUCKET"
    )]
    Refused { status: u16, code: String },
    /// Try again later.
    #[error("the storage is unreachable: {what}")]
    Away {
        what: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("cannot sign a URL: its lifetime must be above 0 and at most 7 days")]
    Presign(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    pub async fn head(&self, key: &str) -> Result<StoredObject, Error> {
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
                Ok(StoredObject::Found { size })
            }
            // HEAD has no body, so a missing bucket looks the same.
            Err(e) if status(&e) == Some(404) => Ok(StoredObject::Missing),
            Err(e) => Err(failed(e)),
        }
    }

    /// Objects whose keys start with `prefix`, ordered by key (ListObjectsV2); `from` is the previous page's `next`.
    pub async fn list(&self, prefix: &str, from: Option<String>) -> Result<ListPage, Error> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket);
        let list = list.prefix(prefix).set_continuation_token(from);
        let page = list.send().await.map_err(failed)?;
        let listed = |object: &aws_sdk_s3::types::Object| {
            let millis = object.last_modified()?.to_millis().ok()?;
            Some(Listed {
                key: object.key()?.to_owned(),
                size: object.size().and_then(|n| u64::try_from(n).ok())?,
                modified_at: Timestamp::from_millisecond(millis).ok()?,
            })
        };
        let next = page.next_continuation_token().map(str::to_owned);
        Ok(ListPage {
            objects: page.contents().iter().filter_map(listed).collect(),
            next: next.filter(|_| page.is_truncated() == Some(true)),
        })
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

    /// A URL that works without credentials for `ttl` (at most 7 days) from now; treat it as a secret until it expires.
    /// With `download_name`, a browser saves the file under that name. Sends no request to the storage.
    pub async fn presign(
        &self,
        key: &str,
        ttl: Duration,
        method: Method,
        download_name: Option<&str>,
    ) -> Result<String, Error> {
        let life = PresigningConfig::expires_in(ttl).map_err(|e| Error::Presign(e.into()))?;
        let disposition = download_name.map(content_disposition);
        let (bucket, key) = (self.bucket.as_str(), key);
        let signed = match method {
            Method::Get => {
                let get = self
                    .s3
                    .get_object()
                    .bucket(bucket)
                    .key(key)
                    .set_response_content_disposition(disposition);
                get.presigned(life)
                    .await
                    .map_err(|e| Error::Presign(e.into()))?
            }
            Method::Head => {
                let head = self
                    .s3
                    .head_object()
                    .bucket(bucket)
                    .key(key)
                    .set_response_content_disposition(disposition);
                head.presigned(life)
                    .await
                    .map_err(|e| Error::Presign(e.into()))?
            }
        };
        Ok(signed.uri().to_owned())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|r| r.status().as_u16())
}

fn failed<E>(error: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let what = match (status(&error), &error) {
        (Some(403), _) => return Error::Forbidden,
        (Some(status), _) if status < 500 && status != 429 && status != 408 => {
            let code = error.code().unwrap_or_default().to_owned();
            return Error::Refused { status, code };
        }
        (Some(status), _) => format!("it answered {status}"),
        (None, SdkError::TimeoutError(_)) => "timed out".into(),
        (None, _) => "no connection".into(),
    };
    Error::Away {
        what,
        source: error.into(),
    }
}

/// RFC 6266 with the RFC 5987 form for non-ASCII names; old browsers use the plain one.
fn content_disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " .-_+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        match byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            true => text.push(byte.into()),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    });
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::content_disposition;

    #[test]
    fn a_download_keeps_its_name() {
        let name = content_disposition("Büro +1555 \"a\"/b.mp3");
        let expected = "attachment; filename=\"B_ro +1555 _a__b.mp3\"; \
                        filename*=UTF-8''B%C3%BCro%20+1555%20%22a%22%2Fb.mp3";
        assert_eq!(name, expected);
    }
}
