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

/// Whether this is a host of AWS S3, including AWS's partitions for China and Europe. Other services of AWS have hosts in
/// the same domains, for example a load balancer in front of somebody's own storage.
pub fn is_aws_host(host: &str) -> bool {
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];
    let mut labels = host.split('.');
    domains.iter().any(|domain| host.ends_with(domain))
        && labels.any(|label| label == "s3" || label.starts_with("s3-"))
}

/// Whether an endpoint, `https://host[:port]`, is AWS S3.
pub fn is_aws(endpoint: &str) -> bool {
    let address = endpoint.split("://").last().unwrap_or_default();
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    is_aws_host(host.trim_end_matches('.').to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_aws;

    #[test]
    fn only_hosts_of_s3_are_aws() {
        for endpoint in [
            "https://s3.eu-central-1.amazonaws.com",
            "https://S3.EU-CENTRAL-1.amazonaws.com:443/",
            "https://s3-eu-west-1.amazonaws.com",
            "https://s3.cn-north-1.amazonaws.com.cn",
            "https://s3.amazonaws.com./",
        ] {
            assert!(is_aws(endpoint), "{endpoint}");
        }
        for endpoint in [
            "https://minio-1.eu-central-1.elb.amazonaws.com",
            "https://s3.example.com",
            "https://s3.amazonaws.com.example.com",
            "http://127.0.0.1:9000",
        ] {
            assert!(!is_aws(endpoint), "{endpoint}");
        }
    }
}
