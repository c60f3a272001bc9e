//! Who may use the bucket: its keys, what each may do, and the tokens of temporary ones.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::{S3Host, VirtualHost};
use s3s::{S3Error, S3ErrorCode, S3Result};

/// A key to the bucket.
#[derive(Debug, Clone)]
pub struct Key {
    pub access_key: String,
    pub secret_key: String,
    /// What a temporary key must be sent with.
    pub session_token: Option<String>,
    pub permission: Permission,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Everything,
    /// Objects can be put, and neither read nor listed.
    Write,
}

/// The keys that are valid at the moment; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Arc<Mutex<Vec<Key>>>);

impl Keys {
    /// Makes these keys the valid ones, and ends all others.
    pub(super) fn set(&self, keys: Vec<Key>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn find(&self, access_key: &str) -> S3Result<Key> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = keys.iter().find(|key| key.access_key == access_key);
        let unknown = || S3Error::new(S3ErrorCode::InvalidAccessKeyId);
        found.cloned().ok_or_else(unknown)
    }
}

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        Ok(self.find(access_key)?.secret_key.into())
    }
}

#[async_trait]
impl S3Access for Keys {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = request.credentials() else {
            return Err(S3Error::new(S3ErrorCode::AccessDenied));
        };
        let key = self.find(&credentials.access_key)?;
        match (&key.session_token, token(request)) {
            (Some(_), None) => return Err(S3Error::new(S3ErrorCode::InvalidAccessKeyId)),
            (Some(ours), Some(sent)) if *ours != sent => {
                return Err(S3Error::new(S3ErrorCode::ExpiredToken));
            }
            (None, Some(_)) => return Err(S3Error::new(S3ErrorCode::InvalidToken)),
            _ => {}
        }
        let writes = [
            "PutObject",
            "CreateMultipartUpload",
            "UploadPart",
            "CompleteMultipartUpload",
            "AbortMultipartUpload",
        ];
        match key.permission {
            Permission::Write if !writes.contains(&request.s3_op().name()) => {
                Err(S3Error::new(S3ErrorCode::AccessDenied))
            }
            Permission::Write | Permission::Everything => Ok(()),
        }
    }
}

/// The session token, in a header or, in presigned URLs, in the query.
fn token(request: &S3AccessContext<'_>) -> Option<String> {
    const NAME: &str = "x-amz-security-token";
    if let Some(token) = request.headers().get(NAME) {
        return token.to_str().ok().map(str::to_owned);
    }
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let token = pairs.find(|(name, _)| name.eq_ignore_ascii_case(NAME))?;
    Some(token.1.into_owned())
}

/// Buckets as subdomains of `localhost`, beside buckets in paths.
#[derive(Debug)]
pub(super) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Ok(match name.strip_suffix(".localhost") {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}
