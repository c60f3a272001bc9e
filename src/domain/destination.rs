//! Where an egress was asked to put its file, as LiveKit's messages say it.

use serde::{Deserialize, Serialize};

/// A storage provider that LiveKit uploads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    S3,
    Gcp,
    Azure,
    AliOss,
}

impl Provider {
    /// The name in sentences for people; none for S3, which is what S3_BUCKET names.
    pub fn label(self) -> &'static str {
        match self {
            Provider::S3 => "bucket",
            Provider::Gcp => "Google Cloud Storage bucket",
            Provider::Azure => "Azure container",
            Provider::AliOss => "Alibaba Cloud OSS bucket",
        }
    }
}

/// The storage that a request names. LiveKit echoes it without its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Upload {
    pub provider: Provider,
    pub bucket: String,
    /// As the request has it; empty for the provider's own address.
    pub endpoint: String,
}

/// What the request of an egress says of the storage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RequestedStorage {
    /// The message does not repeat the request.
    #[default]
    Unstated,
    /// The request names none: the egress service's own configuration decides, which may be the disk of its host.
    ConfiguredThere,
    /// The same with an absolute path, which is how recordings on the host's disk are asked for.
    LocalPath,
    /// The request names it.
    Named(Upload),
}

/// Where a finished file is, by `fileResults[0].location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path on the egress host.
    Disk,
    /// An address; `place` is host and path without scheme and query.
    Address { host: String, path: String },
}

/// What a message says of the place of an egress's file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    pub requested: RequestedStorage,
    pub location: Option<Location>,
    /// `backupStorageUsed`: the upload to the requested storage failed.
    pub backup_used: bool,
}

impl Location {
    /// Reads a location; `None` for an empty one.
    pub fn parse(location: &str) -> Option<Location> {
        if location.is_empty() {
            return None;
        }
        let Some((_, rest)) = location.split_once("://") else {
            return Some(Location::Disk);
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        // With S3_ADDRESSING=virtual, the egress puts the bucket before the whole endpoint: `https://calls.https://host/key`.
        let rest = match rest.split_once(".https://").or(rest.split_once(".http://")) {
            Some((bucket, address)) if !bucket.contains('/') => &format!("{bucket}.{address}"),
            _ => rest,
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Location::Address {
            host: host.to_owned(),
            path: path.to_owned(),
        })
    }
}
