//! Whether a recording is in our bucket, and the text for people if it is not.

use serde::{Deserialize, Serialize};

use super::destination::Upload;

/// Where the file of a recording is. If several messages differ, the largest value counts: their order does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// No message says so: treated as our bucket, as in earlier versions.
    #[default]
    Unstated,
    /// The request names no storage: the egress service's own configuration decides.
    Unnamed,
    /// Not in our bucket.
    Elsewhere(Elsewhere),
    /// In our bucket.
    OurBucket,
    /// The upload to the requested storage failed, and LiveKit put the file into its backup storage.
    Backup { our_bucket: String },
}

/// A place that is not our bucket, and our bucket at that time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Elsewhere {
    pub storage: OtherStorage,
    pub our_bucket: String,
    /// Empty for AWS.
    pub our_endpoint: String,
}

/// A storage that is not ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherStorage {
    /// The disk of the egress host.
    Disk,
    /// The host of the finished file's address.
    Host(String),
    /// The storage that the request names.
    Named(Upload),
}

impl Place {
    /// Whether no message named the place. Such a place is not stored.
    pub fn is_unstated(&self) -> bool {
        *self == Place::Unstated
    }

    /// Whether LiveKit put the file into its own backup storage.
    pub fn is_backup(&self) -> bool {
        matches!(self, Place::Backup { .. })
    }

    /// Whether this service delivers a recording there: nothing is known that speaks against our bucket.
    pub fn is_ours(&self) -> bool {
        !matches!(self, Place::Unnamed | Place::Elsewhere(_))
    }

    /// Whether the file is certainly not in our bucket.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Place::Elsewhere(_) | Place::Backup { .. })
    }

    /// Whether the request names another bucket or endpoint, which may still be ours under another name.
    pub fn is_named(&self) -> bool {
        let named = |it: &Elsewhere| matches!(it.storage, OtherStorage::Named(_));
        matches!(self, Place::Elsewhere(elsewhere) if named(elsewhere))
    }

    /// A note for people about the place; empty when nothing is wrong.
    pub fn note(&self) -> String {
        match self {
            Place::Unstated | Place::OurBucket => String::new(),
            Place::Unnamed => "The request of this egress names no storage: the configuration of the egress service decides where the file goes, which may not be S3_BUCKET. Name the bucket in the program that starts the egress.".into(),
            Place::Elsewhere(elsewhere) => elsewhere.note(),
            Place::Backup { our_bucket } => format!(
                "The upload to S3_BUCKET \"{our_bucket}\" failed, and LiveKit put the recording into its backup storage, where this service cannot read it: check the bucket's key and endpoint in LiveKit, and fetch the file from the backup storage."
            ),
        }
    }
}

impl Elsewhere {
    fn note(&self) -> String {
        let (ours, our_endpoint) = (&self.our_bucket, at(&self.our_endpoint));
        let advice = "Change the storage in the program that starts this egress";
        match &self.storage {
            OtherStorage::Disk => format!(
                "This egress is recorded to the disk of the egress host, but S3_BUCKET is \"{ours}\"{our_endpoint}. {advice}: its request names no bucket."
            ),
            OtherStorage::Host(host) => format!(
                "This egress is recorded to {host}, but S3_BUCKET is \"{ours}\"{our_endpoint}. {advice}, or the egress service's own configuration."
            ),
            OtherStorage::Named(Upload {
                provider,
                bucket,
                endpoint,
            }) => format!(
                "This egress is recorded to {} \"{bucket}\"{}, but S3_BUCKET is \"{ours}\"{our_endpoint}. {advice}; if both are the same storage, set S3_EGRESS_ENDPOINT to its endpoint.",
                provider.label(),
                at(endpoint)
            ),
        }
    }
}

/// An endpoint in parentheses; empty for the provider's own.
fn at(endpoint: &str) -> String {
    match endpoint {
        "" => String::new(),
        endpoint => format!(" (endpoint {endpoint})"),
    }
}
