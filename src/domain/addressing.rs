//! How a bucket is addressed (S3_ADDRESSING), and which hosts are AWS.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// AWS's domains, of its partitions for China and Europe, too.
const AWS: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"];

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

/// Whether this is a host of AWS.
pub fn is_aws_host(host: &str) -> bool {
    let is_below = |domain: &&str| {
        let label = host.strip_suffix(*domain);
        label.is_some_and(|label| label.is_empty() || label.ends_with('.'))
    };
    AWS.iter().any(is_below)
}

/// Whether the host of this URL, or of an address without a scheme, is one of AWS.
pub fn is_aws_endpoint(endpoint: &str) -> bool {
    let address = endpoint.split("://").last().unwrap_or_default();
    let host = address.split([':', '/', '?', '#']).next();
    is_aws_host(host.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_all_of_awss_partitions_are_recognized() {
        for aws in [
            "https://s3.eu-central-1.amazonaws.com",
            "https://s3.cn-north-1.amazonaws.com.cn:443/",
            "s3.eusc-de-east-1.amazonaws.eu",
        ] {
            assert!(is_aws_endpoint(aws), "{aws}");
        }
        for other in [
            "https://s3.example.com/amazonaws.com",
            "fakeamazonaws.com",
            "",
        ] {
            assert!(!is_aws_endpoint(other), "{other}");
        }
        for addressing in Addressing::ALL {
            assert_eq!(addressing.as_str().parse(), Ok(addressing));
        }
    }
}
