//! Validation of durations, object keys and placeholders.

use std::time::Duration;

/// Placeholders of common instructions, copied without being filled in.
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

/// Validates the template of object keys; returns what is wrong with it.
pub(super) fn recording_path(path: &str, extension: &str) -> Result<(), String> {
    if path.contains("://") {
        return Err("is a URL, but an object key does not contain the bucket".into());
    }
    if path.starts_with('/') {
        return Err("starts with a slash, but an object key is relative".into());
    }
    if path.contains('\\')
        || path.chars().any(char::is_control)
        || path.split('/').any(|s| matches!(s, "." | ".."))
    {
        return Err("contains a backslash, a control character, or . or .. as a folder".into());
    }
    if path.contains(['$', '<', '>']) || has_time_code(path) {
        return Err(
            "contains $, <, > or a code like %Y: the placeholders are {room_id}, {room_name}, {date} and {time}".into(),
        );
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

/// Whether it contains a code of `strftime`, like `%Y`.
fn has_time_code(path: &str) -> bool {
    let next = |(at, _)| path[at..].chars().nth(1);
    path.match_indices('%')
        .filter_map(next)
        .any(|c| c.is_ascii_alphabetic())
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
