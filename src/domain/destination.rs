//! The destination of an egress's file, from LiveKit's messages.

use percent_encoding::percent_decode_str;
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
    /// The name in sentences for people.
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
    /// As in the request; empty for the provider's own address.
    pub endpoint: String,
}

/// The storage that the request of an egress names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RequestedStorage {
    /// The message does not repeat the request.
    #[default]
    Unstated,
    /// The request names none: the configuration of the egress service decides. It may be the disk of its host.
    ConfiguredThere,
    /// The same with an absolute path, which requests a file on the host's disk.
    LocalPath,
    /// The request names it.
    Named(Upload),
}

/// Where a finished file is, by `fileResults[0].location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path on the egress host.
    Disk,
    /// An address without scheme and query.
    Address { host: String, path: String },
}

/// A message's information about the place of an egress's file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    pub requested: RequestedStorage,
    pub location: Option<Location>,
    /// `backupStorageUsed`: the upload to the requested storage failed.
    pub backup_used: bool,
}

impl Location {
    /// Parses a location; `None` for an empty one.
    pub fn parse(location: &str) -> Option<Location> {
        if location.is_empty() {
            return None;
        }
        let Some((_, rest)) = location.split_once("://") else {
            return Some(Location::Disk);
        };
        // Only a signed address, which has a query, is percent-encoded.
        let rest = match rest.split_once('?') {
            Some((address, _)) => &percent_decode_str(address).decode_utf8_lossy(),
            None => rest,
        };
        // With S3_ADDRESSING=virtual, the egress puts the bucket before the endpoint with its scheme: `https://calls.https://host/key`.
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
