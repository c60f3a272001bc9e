//! Validation of values.

use std::time::Duration;

use url::{Host, Url};

/// Placeholders of common instructions, copied without being filled in.
pub(super) fn is_placeholder(value: &str) -> bool {
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
    // A hundred years: added to dates, a duration must not overflow.
    (seconds <= 36_500 * 86_400).then(|| Duration::from_secs(seconds))
}

/// The shortest form that `duration` parses back.
pub(super) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size))
        .map_or(format!("{seconds}s"), |(size, unit)| {
            format!("{}{unit}", seconds / size)
        })
}

fn parse(value: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|_| "is not a valid URL".to_owned())?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "does not start with {}://",
            schemes.join(":// or ")
        ));
    }
    match url.host() {
        Some(_) => Ok(url),
        None => Err("has no host".into()),
    }
}

/// A URL with scheme http or https, unchanged except for a trailing slash.
pub(super) fn http_url(value: &str) -> Result<String, String> {
    parse(value, &["https", "http"])?;
    Ok(value.trim_end_matches('/').to_owned())
}

/// `scheme://host[:port]`, no path.
pub(super) fn origin(value: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    match (url.path(), url.query()) {
        ("/", None) => Ok(url.origin().ascii_serialization()),
        _ => Err("has a path".into()),
    }
}

/// The URL of LiveKit's API: the same host and path over HTTP.
pub(super) fn livekit_url(value: &str) -> Result<String, String> {
    let url = parse(value, &["wss", "ws", "https", "http"])?;
    let scheme = if matches!(url.scheme(), "wss" | "https") {
        "https"
    } else {
        "http"
    };
    // Url treats the default ports of both schemes as equal (80, 443), so a remaining port is intended.
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    // Where clients connect, below the address of the API.
    let path = path.strip_suffix("/rtc").unwrap_or(path);
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// A storage URL: https, or http on this machine. Cloudflare's dashboard shows it with the bucket appended, which would
/// make every key wrong.
pub(super) fn storage_url(value: &str, bucket: &str) -> Result<String, String> {
    let url = parse(value, &["https", "http"])?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("uses http for another machine".into());
    }
    if !bucket.is_empty() && url.path().trim_matches('/') == bucket {
        return Err("ends with the bucket's name, which belongs only in S3_BUCKET".into());
    }
    Ok(value.trim_end_matches('/').to_owned())
}

/// Whether the URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Validates the template of object keys; returns what is wrong with it.
pub(super) fn recording_path(path: &str, extension: &str) -> Result<(), String> {
    if path.starts_with('/') {
        return Err("starts with a slash, but an object key is relative".into());
    }
    if path.contains('\\')
        || path.chars().any(char::is_control)
        || path.split('/').any(|s| matches!(s, "." | ".."))
    {
        return Err("contains a backslash, a control character, or . or .. as a folder".into());
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
        return Err(
            "needs {room_id}, {room_name} or {time}; otherwise calls overwrite each other".into(),
        );
    }
    let stem = path
        .strip_suffix(extension)
        .and_then(|p| p.strip_suffix('.'));
    match stem.is_some_and(|s| !s.is_empty() && !s.ends_with('/')) {
        true => Ok(()),
        false => Err(format!(
            "does not end with .{extension}, which RECORDING_FILE_TYPE requires"
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
