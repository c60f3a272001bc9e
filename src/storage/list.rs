//! The bucket's objects.

use jiff::Timestamp;

use super::{client::Client, error::Error};

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
pub struct ObjectPage {
    pub objects: Vec<Listed>,
    /// The token for the next page; `None` on the last one.
    pub next: Option<String>,
}

impl Client {
    /// Objects whose keys start with `prefix`, ordered by key (ListObjectsV2); `from` is the previous page's `next`.
    pub async fn list(&self, prefix: &str, from: Option<String>) -> Result<ObjectPage, Error> {
        let session = self.session()?;
        let list = session.s3.list_objects_v2().bucket(&self.bucket);
        let list = list.prefix(prefix).set_continuation_token(from);
        let page = list.send().await.map_err(|e| session.failed(e))?;
        let listed = |object: &aws_sdk_s3::types::Object| {
            let millis = object.last_modified()?.to_millis().ok()?;
            Some(Listed {
                key: object.key()?.to_owned(),
                size: object.size().and_then(|n| u64::try_from(n).ok())?,
                modified_at: Timestamp::from_millisecond(millis).ok()?,
            })
        };
        let next = page.next_continuation_token().map(str::to_owned);
        Ok(ObjectPage {
            objects: page.contents().iter().filter_map(listed).collect(),
            next: next.filter(|_| page.is_truncated() == Some(true)),
        })
    }
}
