//! S3_REGION, which is part of most storages' host names.

use url::Url;

use super::{
    Reader, network,
    storage_host::{HostRegion, aws_region, of_host},
};
use crate::domain::is_aws;

const NAME: &str = "S3_REGION";
const EXPECTED: &str = "the bucket's region, like eu-central-1";

/// The regions that R2 accepts; it refuses all others.
const R2: [&str; 8] = [
    "auto",
    "us-east-1",
    "wnam",
    "enam",
    "weur",
    "eeur",
    "apac",
    "oc",
];

/// S3_REGION, or the region that the endpoint implies.
pub(super) fn read(r: &mut Reader<'_>, endpoint: Option<&str>) -> String {
    let implied = endpoint.map_or(HostRegion::Unstated, of_endpoint);
    let wrong_endpoint = r.has_error("S3_ENDPOINT");
    let Some(region) = r.text(NAME, EXPECTED) else {
        return match implied {
            HostRegion::Fixed(region) | HostRegion::Usual(region) => region,
            HostRegion::Auto | HostRegion::R2 => "auto".into(),
            // An invalid endpoint must not cause a second error about a missing region.
            HostRegion::Unstated | HostRegion::Unknown if wrong_endpoint => "auto".into(),
            HostRegion::Unstated | HostRegion::Unknown => missing(r, endpoint),
        };
    };
    let storage = match !wrong_endpoint && endpoint.is_none_or(is_aws) {
        true => Storage::Aws,
        false => Storage::Other,
    };
    if let Some(why) = refusal(&region, &implied, storage) {
        r.refuse(NAME, why);
    }
    match implied {
        HostRegion::Usual(usual) if region == "auto" => usual,
        _ => region,
    }
}

#[derive(PartialEq, Eq)]
enum Storage {
    Aws,
    Other,
}

/// Why the storage would refuse this region.
fn refusal(region: &str, implied: &HostRegion, storage: Storage) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_aws = storage == Storage::Aws;
    match implied {
        HostRegion::Fixed(fixed) if region != fixed => Some(format!(
            "is not the region in S3_ENDPOINT, expected {fixed}"
        )),
        HostRegion::R2 if !R2.contains(&region) => Some(format!(
            "is not a region of R2, which refuses all requests then: expected auto, or nothing; got {region:?}"
        )),
        _ if is_aws && region == "auto" => Some(format!(
            "is auto, which AWS does not support, expected {EXPECTED}"
        )),
        _ if is_aws && aws_region(region).is_none() => Some(format!(
            "is not a region of AWS, expected {EXPECTED}, got {region:?}"
        )),
        HostRegion::Usual(usual) if region != usual && region.eq_ignore_ascii_case(usual) => {
            Some(format!("is not in lower case, expected {usual}"))
        }
        _ if !region.chars().all(is_name) => Some(format!(
            "is not a region's name, expected {EXPECTED}, got {region:?}"
        )),
        _ => None,
    }
}

fn missing(r: &mut Reader<'_>, endpoint: Option<&str>) -> String {
    let why = match endpoint {
        Some(_) => "is missing, expected the storage's region, which is not part of S3_ENDPOINT (until now S3_REGION=auto was used: set that if recordings arrived)".into(),
        None => format!("is missing, expected {EXPECTED} (or S3_ENDPOINT if the storage is not AWS)"),
    };
    r.refuse(NAME, why);
    String::new()
}

fn of_endpoint(endpoint: &str) -> HostRegion {
    match Url::parse(endpoint) {
        Ok(url) if network::is_loopback(&url) => HostRegion::Auto,
        Ok(url) => of_host(url.host_str().unwrap_or_default()),
        Err(_) => HostRegion::Unknown,
    }
}
