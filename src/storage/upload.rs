//! Puts files into the bucket.

use std::{path::Path, time::Duration};

use aws_sdk_s3::{config::timeout::TimeoutConfig, primitives::ByteStream};

use super::{client::Client, error::Error};

/// For a file that takes no time; a larger one gets more.
const LEAST: Duration = Duration::from_secs(60);
/// Bytes per second below which an upload is given up.
const PACE: u64 = 1 << 20;

impl Client {
    /// Uploads a file piece by piece. Nothing of it is in memory.
    ///
    /// # Errors
    /// When the file cannot be read, the key is refused, or the storage does not answer.
    pub async fn put_file(&self, key: &str, file: &Path, content_type: &str) -> Result<(), Error> {
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| Error::Away {
            what: "the file could not be read".into(),
            status: None,
            source,
        };
        let bytes = file
            .metadata()
            .map_err(|error| unreadable(error.into()))?
            .len();
        let body = ByteStream::from_path(file).await;
        let body = body.map_err(|error| unreadable(error.into()))?;
        let limit = LEAST + Duration::from_secs(bytes / PACE);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(10))
            .operation_attempt_timeout(limit)
            .operation_timeout(limit)
            .build();
        let session = self.session()?;
        let put = session.s3.put_object().bucket(&self.bucket).key(key);
        let put = put.content_type(content_type).body(body).customize();
        let put = put.config_override(aws_sdk_s3::config::Builder::new().timeout_config(timeouts));
        let sent = put.send().await;
        sent.map(|_| ()).map_err(|error| session.failed(error))
    }
}
