//! The hosts of known storages: whether one is complete, and its region.

use crate::domain::is_aws_host;

/// The region that a host's name implies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostRegion {
    /// Requests for another region are refused.
    Fixed(String),
    /// The default; S3_REGION can override it.
    Usual(String),
    /// R2: `auto` or one of its own names.
    R2,
    /// The storage accepts `auto`.
    Auto,
    /// A known storage whose host has no region.
    Unstated,
    /// A storage of one's own, or a host that is not complete.
    Unknown,
}

/// Storages with the region in their host name: the text before and after it.
const AROUND: [(&str, &str); 15] = [
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
    ("cos.", ".myqcloud.com"),
    ("obs.", ".myhuaweicloud.com"),
];

/// Storages that accept `auto`: Tigris, Google Cloud Storage.
const AUTO: [&str; 5] = [
    "t3.storage.dev",
    "t3.tigrisfiles.io",
    "t3.tigrisbucket.io",
    "storage.googleapis.com",
    "storage.tigris.dev",
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

const R2: &str = ".r2.cloudflarestorage.com";
const ALIBABA: &str = ".aliyuncs.com";

/// Whether this is a host of Alibaba Cloud OSS.
pub(super) fn is_alibaba(host: &str) -> bool {
    host.ends_with(ALIBABA)
}

/// The bucket in front of a known storage's host: `calls` in `calls.fra1.digitaloceanspaces.com`.
pub(super) fn bucket_in(host: &str) -> Option<&str> {
    if is_aws_host(host) {
        // A bucket's name may have dots.
        let (bucket, _) = host.split_once(".s3.").or(host.split_once(".s3-"))?;
        let is_endpoint = bucket.contains(".vpce-") && !bucket.starts_with("vpce-");
        return (!is_endpoint).then_some(bucket);
    }
    let (bucket, rest) = host.split_once('.')?;
    let is_complete = |host| of_host(host) != HostRegion::Unknown;
    (!is_complete(host) && is_complete(rest)).then_some(bucket)
}

/// The region of a complete host, without a bucket in front of it.
pub(super) fn of_host(host: &str) -> HostRegion {
    if is_aws_host(host) {
        return of_aws(host);
    }
    if let Some(region) = between(host, "s3.", ".backblazeb2.com") {
        return HostRegion::Fixed(region.to_owned());
    }
    if host.strip_suffix(R2).is_some_and(is_r2_account) {
        return HostRegion::R2;
    }
    if AUTO.contains(&host) || between(host, "", ".storage.tigris.dev").is_some() {
        return HostRegion::Auto;
    }
    if let Some(name) = host.strip_suffix(ALIBABA)
        && name.strip_prefix("s3.").unwrap_or(name).starts_with("oss-")
    {
        return HostRegion::Unstated;
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

fn of_aws(host: &str) -> HostRegion {
    // From the right: the name of a bucket or an access point may look like a region.
    let mut labels = host.rsplit('.');
    match labels.find_map(|label| aws_region(label.strip_prefix("s3-").unwrap_or(label))) {
        Some(region) => HostRegion::Fixed(region.to_owned()),
        None if host.ends_with("s3.amazonaws.com") => HostRegion::Usual("us-east-1".into()),
        None => HostRegion::Unstated,
    }
}

/// An account, or an account and its jurisdiction, like `0123abc.eu`.
fn is_r2_account(labels: &str) -> bool {
    match labels.split_once('.') {
        None => !labels.is_empty(),
        Some((_, jurisdiction)) => {
            jurisdiction.len() <= 10 && jurisdiction.bytes().all(|b| b.is_ascii_lowercase())
        }
    }
}

/// A region's name is one label.
fn between<'a>(host: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let label = host.strip_prefix(before)?.strip_suffix(after)?;
    (!label.is_empty() && !label.contains('.')).then_some(label)
}

/// A region of AWS, like `eu-central-1`.
pub(super) fn aws_region(region: &str) -> Option<&str> {
    let parts: Vec<&str> = region.split('-').collect();
    let (number, words) = parts.split_last()?;
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
    let is_region = words.len() >= 2 && words.iter().all(is_word) && is_number;
    is_region.then_some(region)
}

#[cfg(test)]
mod tests;
