//! The bucket. Each variable, its default, its rules.

use super::{Reader, StorageSettings, check, keys, region};
use crate::domain::Addressing;

impl StorageSettings {
    /// S3_….
    pub fn read(r: &mut Reader<'_>) -> Self {
        let key = keys::own(r);
        let egress_key = keys::egress(r);
        let bucket = r.required("S3_BUCKET", "the bucket's name");
        if bucket.contains(['/', ':']) || bucket.contains(char::is_whitespace) {
            r.refuse(
                "S3_BUCKET",
                "is not a bucket's name, expected the name alone, without address or slashes",
            );
        }
        let expected = "https://<account>.r2.cloudflarestorage.com or another https:// URL (http:// only on this machine), or nothing for AWS";
        let endpoint = r.address("S3_ENDPOINT", expected, |v| endpoint_url(v, &bucket));
        let region = region::read(r, endpoint.as_deref());
        let addressing = r.parsed("S3_ADDRESSING", Addressing::Path, "path or virtual", |v| {
            v.parse().ok()
        });
        let expected = "the storage URL that LiveKit's egress uses, http:// or https://";
        let egress_endpoint = r.address("S3_EGRESS_ENDPOINT", expected, check::http_url);
        Self {
            egress_key: egress_key.unwrap_or_else(|| key.clone()),
            key,
            bucket,
            endpoint,
            region,
            addressing,
            egress_endpoint,
        }
    }
}

/// DigitalOcean and others show the endpoint with the bucket in its host, which would make every key wrong.
fn endpoint_url(value: &str, bucket: &str) -> Result<String, String> {
    let address = check::storage_url(value, bucket)?;
    let host = address.split("://").last().unwrap_or_default();
    match host.split_once('.') {
        Some((first, rest)) if first == bucket && region::is_known(rest) => {
            Err("begins with the bucket's name, which belongs only in S3_BUCKET".into())
        }
        _ => Ok(address),
    }
}
