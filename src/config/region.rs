//! S3_REGION, which is part of most storages' host names.

use url::Url;

use super::{Reader, check};
use crate::domain::is_aws_host;

/// The region that a host's name implies.
#[derive(Debug, PartialEq, Eq)]
enum HostRegion {
    /// Requests for another region are refused.
    Fixed(String),
    /// The default; S3_REGION can override it.
    Usual(String),
    /// The storage accepts `auto`.
    Auto,
    Unknown,
}

/// Storages with the region in their host name: the text before and after it.
const AROUND: [(&str, &str); 13] = [
    ("s3.", ".scw.cloud"),
    ("s3.", ".wasabisys.com"),
    ("", ".digitaloceanspaces.com"),
    ("s3.", ".io.cloud.ovh.net"),
    ("s3.", ".io.cloud.ovh.us"),
    ("s3.", ".perf.cloud.ovh.net"),
    ("s3.", ".cloud.ovh.net"),
    ("", ".linodeobjects.com"),
    ("", ".your-objectstorage.com"),
    ("", ".vultrobjects.com"),
    ("sos-", ".exo.io"),
    ("s3.", ".cloud-object-storage.appdomain.cloud"),
    ("s3.", ".idrivee2.com"),
];

/// Storages that accept `auto`: R2, Tigris, Google Cloud Storage.
const AUTO: [&str; 6] = [
    ".r2.cloudflarestorage.com",
    ".storage.tigris.dev",
    ".t3.storage.dev",
    ".t3.tigrisfiles.io",
    ".t3.tigrisbucket.io",
    ".storage.googleapis.com",
];

/// Aliases of Wasabi's regions, which are valid in host names but not in signatures.
const WASABI: [(&str, &str); 6] = [
    ("nl-1", "eu-central-1"),
    ("de-1", "eu-central-2"),
    ("uk-1", "eu-west-1"),
    ("fr-1", "eu-west-2"),
    ("uk-2", "eu-west-3"),
    ("it-1", "eu-south-1"),
];

/// Whether this host is a known storage's, without a bucket in front of it.
pub(super) fn is_known(host: &str) -> bool {
    of_host(host) != HostRegion::Unknown
}

/// S3_REGION, or the region that the endpoint implies.
pub(super) fn read(r: &mut Reader<'_>, endpoint: Option<&str>) -> String {
    let name = "S3_REGION";
    let expected = "the bucket's region, like eu-central-1";
    let implied = endpoint.map_or(HostRegion::Unknown, of_endpoint);
    let wrong_endpoint = r.has_error("S3_ENDPOINT");
    let is_aws = !wrong_endpoint && endpoint.is_none_or(is_aws);
    let region = r.text(name, expected);
    match (region, implied) {
        (Some(region), HostRegion::Fixed(fixed)) if region != fixed => {
            r.refuse(
                name,
                format!("is not the region in S3_ENDPOINT, expected {fixed}"),
            );
            region
        }
        (Some(region), _) if region == "auto" && is_aws => {
            r.refuse(
                name,
                format!("is auto, which AWS does not support, expected {expected}"),
            );
            region
        }
        (Some(region), HostRegion::Usual(usual)) if region == "auto" => usual,
        (Some(region), _) => region,
        (None, HostRegion::Fixed(region) | HostRegion::Usual(region)) => region,
        (None, HostRegion::Auto) => "auto".into(),
        // An invalid endpoint must not cause a second error about a missing region.
        (None, HostRegion::Unknown) if wrong_endpoint => "auto".into(),
        (None, HostRegion::Unknown) => {
            let why = match endpoint {
                Some(_) => "is missing, expected the storage's region, which is not part of S3_ENDPOINT (until now S3_REGION=auto was used: set that if recordings arrived)".into(),
                None => format!("is missing, expected {expected} (or S3_ENDPOINT if the storage is not AWS)"),
            };
            r.refuse(name, why);
            String::new()
        }
    }
}

fn is_aws(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| url.host_str().is_some_and(is_aws_host))
}

fn of_endpoint(endpoint: &str) -> HostRegion {
    match Url::parse(endpoint) {
        Ok(url) if check::is_loopback(&url) => HostRegion::Auto,
        Ok(url) => of_host(url.host_str().unwrap_or_default()),
        Err(_) => HostRegion::Unknown,
    }
}

fn of_host(host: &str) -> HostRegion {
    if is_aws_host(host) {
        // From the right: the name of a bucket or an access point may look like a region.
        let mut labels = host.rsplit('.');
        return match labels.find_map(aws_region) {
            Some(region) => HostRegion::Fixed(region.to_owned()),
            None if host.ends_with("s3.amazonaws.com") => HostRegion::Usual("us-east-1".into()),
            None => HostRegion::Unknown,
        };
    }
    if let Some(region) = between(host, "s3.", ".backblazeb2.com") {
        return HostRegion::Fixed(region.to_owned());
    }
    let is_auto = |end: &&str| host.ends_with(end) || host == end.trim_start_matches('.');
    if AUTO.iter().any(is_auto) {
        return HostRegion::Auto;
    }
    if host == "s3.wasabisys.com" {
        return HostRegion::Usual("us-east-1".into());
    }
    let found = AROUND
        .iter()
        .find_map(|(before, after)| between(host, before, after));
    let Some(region) = found else {
        return HostRegion::Unknown;
    };
    let mut aliases = WASABI.iter().filter(|_| host.ends_with(".wasabisys.com"));
    let alias = aliases.find(|(alias, _)| *alias == region);
    let region = alias.map_or(region, |(_, region)| region);
    HostRegion::Usual(region.to_owned())
}

/// A region's name is one label.
fn between<'a>(host: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let label = host.strip_prefix(before)?.strip_suffix(after)?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

/// `eu-central-1`, also as `s3-eu-central-1`, the form of old endpoints.
fn aws_region(label: &str) -> Option<&str> {
    let region = label.strip_prefix("s3-").unwrap_or(label);
    let parts: Vec<&str> = region.split('-').collect();
    let (number, words) = parts.split_last()?;
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
    let is_region = words.len() >= 2 && words.iter().all(is_word) && is_number;
    is_region.then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(host: &str) -> String {
        match of_host(host) {
            HostRegion::Usual(region) => region,
            other => panic!("{host}: {other:?}"),
        }
    }

    fn fixed(host: &str) -> String {
        match of_host(host) {
            HostRegion::Fixed(region) => region,
            other => panic!("{host}: {other:?}"),
        }
    }

    #[test]
    fn a_host_names_its_region() {
        for (host, region) in [
            ("s3.fr-par.scw.cloud", "fr-par"),
            ("s3.eu-central-1.wasabisys.com", "eu-central-1"),
            ("s3.nl-1.wasabisys.com", "eu-central-1"),
            ("s3.wasabisys.com", "us-east-1"),
            ("s3.de-1.idrivee2.com", "de-1"),
            ("de-1.linodeobjects.com", "de-1"),
            ("fra1.digitaloceanspaces.com", "fra1"),
            ("s3.gra.io.cloud.ovh.net", "gra"),
            ("s3.eu-west-par.io.cloud.ovh.net", "eu-west-par"),
            ("s3.us-east-va.io.cloud.ovh.us", "us-east-va"),
            ("s3.gra.perf.cloud.ovh.net", "gra"),
            ("s3.gra.cloud.ovh.net", "gra"),
            ("us-east-1.linodeobjects.com", "us-east-1"),
            ("fsn1.your-objectstorage.com", "fsn1"),
            ("ewr1.vultrobjects.com", "ewr1"),
            ("sos-ch-gva-2.exo.io", "ch-gva-2"),
            ("s3.eu-de.cloud-object-storage.appdomain.cloud", "eu-de"),
            ("s3.amazonaws.com", "us-east-1"),
        ] {
            assert_eq!(usual(host), region, "{host}");
        }
    }

    #[test]
    fn a_host_of_aws_or_backblaze_has_one_region() {
        for (host, region) in [
            ("s3.eu-central-1.amazonaws.com", "eu-central-1"),
            ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3.dualstack.eu-west-3.amazonaws.com", "eu-west-3"),
            ("s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("s3.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
            (
                "my-calls-1.s3.ap-southeast-2.amazonaws.com",
                "ap-southeast-2",
            ),
            (
                "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
                "us-east-1",
            ),
            ("s3.us-west-004.backblazeb2.com", "us-west-004"),
        ] {
            assert_eq!(fixed(host), region, "{host}");
        }
    }

    #[test]
    fn others_accept_auto_or_need_a_region() {
        for host in [
            "0123abc.r2.cloudflarestorage.com",
            "0123abc.eu.r2.cloudflarestorage.com",
            "fly.storage.tigris.dev",
            "t3.storage.dev",
            "storage.googleapis.com",
        ] {
            assert_eq!(of_host(host), HostRegion::Auto, "{host}");
        }
        for host in [
            "minio.example.com",
            "s3.example.com",
            "calls.fra1.digitaloceanspaces.com",
            "calls.s3.fr-par.scw.cloud",
            "oss-cn-hangzhou.aliyuncs.com",
            "digitaloceanspaces.com",
            "10.0.0.1",
            "s3-accelerate.amazonaws.com",
            "fakescw.cloud",
        ] {
            assert_eq!(of_host(host), HostRegion::Unknown, "{host}");
        }
    }
}
