//! The bucket as LiveKit reaches it, and its rules.

use std::net::IpAddr;

use url::{Host, Url};

use super::{examined::Examined, finding::Finding, row::Row};
use crate::{
    config::StorageSettings,
    storage::{Client, Setting},
};

/// Whether LiveKit Cloud can reach the address that it uploads to. `unreachable`: that S3_ENDPOINT cannot be reached from here,
/// which is a finding of its own.
pub(super) async fn address(
    examined: &Examined,
    storage: &StorageSettings,
    unreachable: Option<Finding>,
) -> Finding {
    let livekit = examined.settings.livekit.as_ref();
    if !livekit.is_some_and(|livekit| is_cloud(&livekit.url)) {
        return Finding::skipped("only LiveKit Cloud is known to be outside of your network");
    }
    let (variable, endpoint) = match (&storage.egress_endpoint, &storage.endpoint) {
        (Some(egress), _) => ("S3_EGRESS_ENDPOINT", egress),
        (None, Some(endpoint)) => ("S3_ENDPOINT", endpoint),
        (None, None) => return Finding::ok("AWS"),
    };
    let remedy = format!("{variable}: set S3_EGRESS_ENDPOINT to the storage's public address");
    match addresses(endpoint).await {
        Err(why) => {
            let detail = format!("the host of {variable} has no address: {why}");
            let found = Finding::warning(detail, &remedy, Row::EgressEndpoint);
            match storage.egress_endpoint {
                Some(_) => found,
                None => found.caused_by(unreachable),
            }
        }
        Ok(found) if found.iter().any(|ip| is_private(*ip)) => Finding::warning(
            format!(
                "{variable} leads to this machine or a private network, which LiveKit Cloud cannot reach: recordings would not be uploaded"
            ),
            &remedy,
            Row::EgressEndpoint,
        ),
        Ok(_) => Finding::ok(format!("{variable} is a public address")),
    }
}

fn is_cloud(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.ends_with(".livekit.cloud")
}

async fn addresses(endpoint: &str) -> Result<Vec<IpAddr>, String> {
    let url = Url::parse(endpoint).map_err(|error| error.to_string())?;
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(vec![ip.into()]),
        Some(Host::Ipv6(ip)) => Ok(vec![ip.into()]),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, 443)).await;
            let found = found.map_err(|error| error.to_string())?;
            Ok(found.map(|address| address.ip()).collect())
        }
        None => Err("it has no host".to_owned()),
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_unspecified()
        }
    }
}

/// Rules that delete recordings, and versions that keep them. Where the key may not read them, nothing is said.
pub(super) async fn rules(client: &Client) -> Finding {
    let (expirations, versions) = (client.expirations().await, client.keeps_versions().await);
    let mut unusual = Vec::new();
    if let Setting::Known(days) = &expirations
        && let Some(shortest) = days.first()
    {
        unusual.push(format!(
            "a lifecycle rule of the bucket deletes objects after {shortest} days; links in older rows lead nowhere"
        ));
    }
    if versions == Setting::Known(true) {
        unusual.push(
            "the bucket keeps earlier versions: a recording that you delete stays readable for its owner".to_owned(),
        );
    }
    match (unusual.is_empty(), expirations, versions) {
        (false, ..) => Finding::warning(
            unusual.join("\n"),
            "S3_BUCKET: look at Lifecycle rules and Bucket versioning in the bucket's settings",
            Row::BucketRules,
        ),
        (true, Setting::Unknown, Setting::Unknown) => {
            Finding::skipped("the key may not read them, or the storage has none")
        }
        _ => Finding::ok("no rule deletes recordings, and no earlier versions are kept"),
    }
}
