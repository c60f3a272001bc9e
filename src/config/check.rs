//! What a value must look like.

use std::time::Duration;

use url::{Host, Url};

/// The seed document's examples, copied and not filled in.
pub fn is_placeholder(value: &str) -> bool {
    const EXAMPLES: [&str; 4] = [
        "your_livekit_api_key",
        "your_livekit_secret",
        "your-project.livekit.cloud",
        "your-n8n.com",
    ];
    (value.starts_with('<') && value.ends_with('>'))
        || value.contains("://<")
        || EXAMPLES.iter().any(|example| value.contains(example))
}

/// `30s`, `15m`, `2h`, `7d`.
pub fn duration(value: &str) -> Option<Duration> {
    let unit = match value.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count = &value[..value.len() - 1];
    if !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = count.parse::<u64>().ok()?.checked_mul(unit)?;
    // A hundred years: dates are added to it, which must not overflow.
    (seconds <= 36_500 * 86_400).then(|| Duration::from_secs(seconds))
}

/// The shortest form that `duration` reads back.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size))
        .map_or(format!("{seconds}s"), |(size, unit)| {
            format!("{}{unit}", seconds / size)
        })
}

fn parse(value: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|_| "is not an address".to_owned())?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "does not begin with {}://",
            schemes.join(":// or ")
        ));
    }
    match url.host() {
        Some(_) => Ok(url),
        None => Err("names no host".into()),
    }
}

/// An address with scheme http or https, as it stands but without a slash at its end.
pub fn http_url(value: &str) -> Result<String, String> {
    parse(value, &["https", "http"])?;
    Ok(value.trim_end_matches('/').to_owned())
}

/// `scheme://host[:port]`, no path.
pub fn origin(value: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    match (url.path(), url.query()) {
        ("/", None) => Ok(url.origin().ascii_serialization()),
        _ => Err("has a path".into()),
    }
}

/// LiveKit's address for its API: the same host over HTTP.
pub fn livekit_url(value: &str) -> Result<String, String> {
    let url = parse(value, &["wss", "ws", "https", "http"])?;
    let scheme = if matches!(url.scheme(), "wss" | "https") {
        "https"
    } else {
        "http"
    };
    // Url knows the default ports of both families to be equal (80, 443), so a port that is left is meant.
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    Ok(format!(
        "{scheme}://{}{port}",
        url.host_str().unwrap_or_default()
    ))
}

/// A storage's address: https, or http on this machine. Cloudflare's dashboard shows it with the bucket behind it,
/// and then every key would be wrong.
pub fn storage_url(value: &str, bucket: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("is http to another machine".into());
    }
    if !bucket.is_empty() && url.path().trim_matches('/') == bucket {
        return Err("ends in the bucket's name, which belongs into S3_BUCKET only".into());
    }
    Ok(value.trim_end_matches('/').to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// The region that an endpoint's name fixes: Backblaze's `s3.<region>.backblazeb2.com`, AWS's `s3.<region>.amazonaws.com`.
pub fn region_of(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    let rest = url.host_str()?.strip_prefix("s3.")?;
    let region = rest
        .strip_suffix(".backblazeb2.com")
        .or_else(|| rest.strip_suffix(".amazonaws.com"))?;
    Some(region.to_owned())
}

/// Whether the endpoint is AWS itself; so is none.
pub fn is_aws(endpoint: Option<&str>) -> bool {
    endpoint.is_none_or(|e| {
        Url::parse(e).is_ok_and(|u| u.host_str().is_some_and(|h| h.ends_with(".amazonaws.com")))
    })
}

/// The object key's pattern: what is wrong with it, if anything.
pub fn recording_path(path: &str, extension: &str) -> Result<(), String> {
    if path.starts_with('/') {
        return Err("begins with a slash, but an object key is relative".into());
    }
    if path.contains('\\')
        || path.chars().any(char::is_control)
        || path.split('/').any(|s| matches!(s, "." | ".."))
    {
        return Err("holds a backslash, a control character, or . or .. as a folder".into());
    }
    if let Some(unknown) = unknown_placeholder(path) {
        return Err(format!(
            "{unknown} is not one of {{room_id}}, {{room_name}}, {{date}}, {{time}}"
        ));
    }
    if !["{room_id}", "{room_name}", "{time}"]
        .iter()
        .any(|p| path.contains(p))
    {
        return Err("needs {room_id}, {room_name} or {time}, or calls overwrite each other".into());
    }
    let stem = path
        .strip_suffix(extension)
        .and_then(|p| p.strip_suffix('.'));
    match stem.is_some_and(|s| !s.is_empty() && !s.ends_with('/')) {
        true => Ok(()),
        false => Err(format!(
            "does not end in .{extension}, which RECORDING_FILE_TYPE asks for"
        )),
    }
}

fn unknown_placeholder(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some(start) = rest.find(['{', '}']) {
        let known = ["{room_id}", "{room_name}", "{date}", "{time}"];
        match known.iter().find(|k| rest[start..].starts_with(**k)) {
            Some(k) => rest = &rest[start + k.len()..],
            None => {
                let end = rest[start..]
                    .find('}')
                    .map_or(rest.len(), |e| start + e + 1);
                return Some(&rest[start..end]);
            }
        }
    }
    None
}
