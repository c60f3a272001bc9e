//! The bucket. Its variables with defaults and rules.

use url::Url;

use super::{Reader, StorageSettings, address, keys, region, storage_host};
use crate::domain::Addressing;

impl StorageSettings {
    /// S3_….
    pub fn read(r: &mut Reader<'_>) -> Self {
        let key = keys::own(r);
        let egress_key = keys::egress(r);
        let bucket = bucket(r);
        let addressing = r.parsed("S3_ADDRESSING", Addressing::Path, "path or virtual", |v| {
            v.parse().ok()
        });
        let expected = "https://<account>.r2.cloudflarestorage.com or another https:// URL (http:// only on this machine), or nothing for AWS";
        let endpoint = r.address("S3_ENDPOINT", expected, |v| {
            let url = address::storage_url(v)?;
            without_bucket(v, &url, &bucket, addressing)
        });
        if addressing == Addressing::Path && endpoint.as_deref().is_some_and(is_alibaba) {
            let name = "S3_ADDRESSING";
            r.refuse(
                name,
                "is path, which Alibaba Cloud OSS refuses, expected virtual",
            );
        }
        let region = region::read(r, endpoint.as_deref());
        let expected = "the storage URL that LiveKit's egress uses, http:// or https://";
        let egress_endpoint = r.address("S3_EGRESS_ENDPOINT", expected, |v| {
            let url = address::egress_storage_url(v)?;
            without_bucket(v, &url, &bucket, addressing)
        });
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

/// Alibaba Cloud OSS serves virtual addresses only.
fn is_alibaba(endpoint: &str) -> bool {
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    storage_host::is_alibaba(host)
}

fn bucket(r: &mut Reader<'_>) -> String {
    let bucket = r.required("S3_BUCKET", "the bucket's name");
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !bucket.chars().all(is_name) || storage_host::bucket_in(&bucket).is_some() {
        r.refuse(
            "S3_BUCKET",
            "is not a bucket's name, expected the name alone, without address or slashes",
        );
    }
    bucket
}

/// Cloudflare's dashboard shows the endpoint with the bucket appended, DigitalOcean's and others with the bucket in its host.
/// With such an endpoint, every key would be wrong, or the object would be in another bucket.
fn without_bucket(
    value: &str,
    url: &Url,
    bucket: &str,
    addressing: Addressing,
) -> Result<String, String> {
    let (host, path) = (
        url.host_str().unwrap_or_default(),
        url.path().trim_matches('/'),
    );
    if !bucket.is_empty() && path == bucket {
        return Err("ends with the bucket's name, which belongs only in S3_BUCKET".into());
    }
    if !path.is_empty() && storage_host::of_host(host) != storage_host::HostRegion::Unknown {
        return Err(
            "has a path: the bucket belongs in S3_BUCKET, and a folder in RECORDING_PATH".into(),
        );
    }
    let begins_with = |name: &str| {
        let rest = host.strip_prefix(name);
        !name.is_empty() && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    match storage_host::bucket_in(host) {
        Some(found) if found != bucket => Err(format!(
            "begins with a bucket's name, {found}, which is not S3_BUCKET: remove it here, and set S3_BUCKET to the bucket"
        )),
        Some(_) => Err("begins with the bucket's name, which belongs only in S3_BUCKET".into()),
        None if addressing == Addressing::Virtual && begins_with(bucket) => Err(
            "begins with the bucket's name, which S3_ADDRESSING=virtual puts in front of it once more".into(),
        ),
        None => Ok(value.trim_end_matches('/').to_owned()),
    }
}
