//! Validation of URLs.

use url::{Host, Url};

use super::network::is_loopback;

/// A URL with one of these schemes. `Url` itself ignores line breaks, and takes a list of URLs for one with an invalid path.
fn parse(value: &str, schemes: &[&str]) -> Result<Url, String> {
    if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has a blank or a line break inside".into());
    }
    if is_list(value) {
        return Err("is a list, but only one URL is possible".into());
    }
    let url = Url::parse(value).map_err(|_| "is not a valid URL".to_owned())?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "does not start with {}://",
            schemes.join(":// or ")
        ));
    }
    match url.host_str() {
        None | Some("") => Err("has no host".into()),
        Some("http" | "https" | "ws" | "wss") => Err("has its scheme twice".into()),
        Some(_) => Ok(url),
    }
}

/// Whether a second URL follows after a comma, a semicolon or the like.
fn is_list(value: &str) -> bool {
    let address = value.split('?').next().unwrap_or_default();
    address.match_indices("://").skip(1).any(|(at, _)| {
        let before = address[..at].trim_end_matches(|c: char| c.is_ascii_alphabetic());
        before.ends_with([',', ';', '|'])
    })
}

/// A password in a URL would be dropped, or shown to people.
fn without_password(url: &Url) -> Result<(), String> {
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(()),
        false => Err("has a user name or password before the host, which is not supported".into()),
    }
}

/// A webhook's URL, unchanged: its last slash may matter to the receiver.
pub(super) fn webhook_url(value: &str) -> Result<String, String> {
    parse(value, &["https", "http"])?;
    Ok(value.to_owned())
}

/// A proxy's URL; most programs also take `host:port`.
pub(super) fn proxy_url(value: &str) -> Result<String, String> {
    let url = match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    };
    parse(&url, &["http", "https"])?;
    Ok(url)
}

/// The beginning of links that people open in a browser.
pub(super) fn public_url(value: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    without_password(&url)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".into());
    }
    match url.host() {
        Some(Host::Ipv4(ip)) if ip.is_unspecified() => Err("leads nowhere".into()),
        Some(Host::Ipv6(ip)) if ip.is_unspecified() => Err("leads nowhere".into()),
        _ => Ok(value.trim_end_matches('/').to_owned()),
    }
}

/// Airtable's `scheme://host[:port]`, no path: https, or http on this machine, because each request has the token.
pub(super) fn origin(value: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    without_password(&url)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "uses http for another machine, which would send AIRTABLE_TOKEN in clear text".into(),
        );
    }
    match (url.path(), url.query()) {
        ("/", None) => Ok(url.origin().ascii_serialization()),
        _ => Err("has a path".into()),
    }
}

/// The URL of LiveKit's API: the same host and path over HTTP.
pub(super) fn livekit_url(value: &str) -> Result<String, String> {
    let url = parse(value, &["wss", "ws", "https", "http"])?;
    without_password(&url)?;
    let scheme = if matches!(url.scheme(), "wss" | "https") {
        "https"
    } else {
        "http"
    };
    // Url treats the default ports of both schemes as equal (80, 443), so a remaining port is intended.
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    if host == "cloud.livekit.io" {
        return Err("is LiveKit's dashboard and not a project's URL".into());
    }
    let path = url.path().trim_end_matches('/');
    // The address at which clients connect has `/rtc` after that of the API.
    let path = path.strip_suffix("/rtc").unwrap_or(path);
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// A storage URL: https, or http on this machine.
pub(super) fn storage_url(value: &str) -> Result<Url, String> {
    let url = egress_storage_url(value)?;
    match url.scheme() == "http" && !is_loopback(&url) {
        true => Err("uses http for another machine".into()),
        false => Ok(url),
    }
}

/// A storage URL for LiveKit's egress, which may be on the storage's own network.
pub(super) fn egress_storage_url(value: &str) -> Result<Url, String> {
    let url = parse(value, &["https", "http"])?;
    without_password(&url)?;
    match url.query().is_some() || url.fragment().is_some() {
        true => Err("has a query or a fragment".into()),
        false => Ok(url),
    }
}
