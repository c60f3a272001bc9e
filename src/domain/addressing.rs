//! How a bucket is addressed (S3_ADDRESSING), and which hosts are AWS.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// The position of the bucket's name in an object's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://endpoint/bucket/key`
    Path,
    /// `https://bucket.endpoint/key`, the only form that some storages accept.
    Virtual,
}

impl Addressing {
    /// Every form, the default first.
    pub const ALL: [Addressing; 2] = [Addressing::Path, Addressing::Virtual];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Addressing::Path => "path",
            Addressing::Virtual => "virtual",
        }
    }
}

impl FromStr for Addressing {
    type Err = UnknownName;

    fn from_str(value: &str) -> Result<Addressing, UnknownName> {
        by_name(&Addressing::ALL, Addressing::as_str, value)
    }
}

/// Whether this is a host of AWS, including its partitions for China and Europe.
pub fn is_aws_host(host: &str) -> bool {
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];
    domains.iter().any(|domain| host.ends_with(domain))
}
