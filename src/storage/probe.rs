//! Requests that show what the key may do, for `doctor`.

use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    types::{BucketVersioningStatus, ExpirationStatus},
};

use super::{
    client::Client,
    error::{Error, status},
};

/// The answer to a request for the bucket itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketHead {
    /// It is there.
    Found,
    /// The storage has no bucket of this name.
    Missing,
    /// It is in another region, which the storage may name.
    OtherRegion(Option<String>),
}

/// Something about the bucket that only some keys may read, and that some storages do not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting<T> {
    /// What it is.
    Known(T),
    /// The key may not read it, or the storage does not have it.
    Unknown,
}

impl Client {
    /// Asks for the bucket itself (HeadBucket).
    ///
    /// # Errors
    /// When the key is refused, or the storage does not answer.
    pub async fn head_bucket(&self) -> Result<BucketHead, Error> {
        let session = self.session()?;
        let head = session.s3.head_bucket().bucket(&self.bucket).send().await;
        let Err(error) = head else {
            return Ok(BucketHead::Found);
        };
        let region = error.raw_response().and_then(|answer| {
            let region = answer.headers().get("x-amz-bucket-region");
            region.map(str::to_owned)
        });
        match (status(&error), region) {
            (Some(404), _) => Ok(BucketHead::Missing),
            (Some(300..=399), region) => Ok(BucketHead::OtherRegion(region)),
            (Some(400), Some(region)) => Ok(BucketHead::OtherRegion(Some(region))),
            _ => Err(session.failed(error)),
        }
    }

    /// The first byte of an object.
    ///
    /// # Errors
    /// When the key is refused, the storage ignores ranges, or it does not answer.
    pub async fn first_byte(&self, key: &str) -> Result<Vec<u8>, Error> {
        let session = self.session()?;
        let get = session.s3.get_object().bucket(&self.bucket).key(key);
        let got = get.range("bytes=0-0").send().await;
        let body = got.map_err(|error| session.failed(error))?.body.collect();
        let body = body.await.map_err(|error| Error::Away {
            what: "the connection broke".into(),
            status: None,
            source: error.into(),
        })?;
        Ok(body.to_vec())
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// When the key may not delete, or the storage does not answer.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let session = self.session()?;
        let delete = session.s3.delete_object().bucket(&self.bucket).key(key);
        let deleted = delete.send().await;
        deleted.map_err(|error| session.failed(error)).map(|_| ())
    }

    /// After how many days rules of the bucket delete objects, the shortest first.
    pub async fn expirations(&self) -> Setting<Vec<i32>> {
        let Ok(session) = self.session() else {
            return Setting::Unknown;
        };
        let rules = session.s3.get_bucket_lifecycle_configuration();
        let rules = match rules.bucket(&self.bucket).send().await {
            Ok(rules) => rules,
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
                return Setting::Known(Vec::new());
            }
            Err(_) => return Setting::Unknown,
        };
        let enabled = rules.rules().iter();
        let enabled = enabled.filter(|rule| *rule.status() == ExpirationStatus::Enabled);
        let mut days: Vec<i32> = enabled
            .filter_map(|rule| rule.expiration()?.days())
            .collect();
        days.sort_unstable();
        Setting::Known(days)
    }

    /// Whether the bucket keeps earlier versions of objects, also of deleted ones.
    pub async fn keeps_versions(&self) -> Setting<bool> {
        let Ok(session) = self.session() else {
            return Setting::Unknown;
        };
        let versioning = session.s3.get_bucket_versioning();
        match versioning.bucket(&self.bucket).send().await {
            Ok(found) => Setting::Known(found.status() == Some(&BucketVersioningStatus::Enabled)),
            Err(_) => Setting::Unknown,
        }
    }
}
