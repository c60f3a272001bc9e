//! The object key of a recording: RECORDING_PATH with its placeholders filled in.

use jiff::{Timestamp, fmt::strtime};
use sha2::{Digest, Sha256};

use super::hex::hex;

/// Maximum bytes of a path segment; a longer one is cut and gets a short hash.
const SEGMENT: usize = 200;

/// The values of RECORDING_PATH's placeholders.
pub struct Fill<'a> {
    pub room_id: &'a str,
    pub room_name: &'a str,
    /// `{date}` and `{time}`, in UTC.
    pub at: Timestamp,
}

/// The object key of a call's recording; `taken` says which keys the call's other recordings have.
pub fn key(template: &str, fill: &Fill, taken: impl Fn(&str) -> bool) -> String {
    let format = |format| strtime::format(format, fill.at).unwrap_or_default();
    let filled = template
        .replace("{date}", &format("%Y-%m-%d"))
        .replace("{time}", &format("%H%M%S"))
        .replace("{room_id}", &segment(fill.room_id))
        .replace("{room_name}", &segment(fill.room_name));
    let parts = filled.split('/').map(undotted).map(shorten);
    let parts = parts.collect::<Vec<_>>();
    let first = parts.join("/");
    let (stem, extension) = split_extension(&first);
    let mut numbered = (2..).map(|n| format!("{stem}-{n}{extension}"));
    if taken(&first) {
        numbered.find(|key| !taken(key)).unwrap_or(first)
    } else {
        first
    }
}

/// The key with a suffix before the extension.
pub fn with_suffix(key: &str, suffix: &str) -> String {
    let (stem, extension) = split_extension(key);
    format!("{stem}-{suffix}{extension}")
}

/// Whether keys by this template hold the room's id, or what a request gave for it.
pub fn has_room_id(template: &str) -> bool {
    template.contains("{room_id}")
}

/// The template with `{room_id}` added, which keeps calls apart.
pub fn with_room_id(template: &str) -> String {
    if has_room_id(template) {
        return template.to_owned();
    }
    let (stem, extension) = split_extension(template);
    format!("{stem}-{{room_id}}{extension}")
}

/// Whether rooms that are open at once get different keys from this template because their names differ. A name that
/// must be changed to become a path segment may produce the same key as another.
pub fn is_apart_by_name(template: &str, room_name: &str) -> bool {
    template.contains("{room_name}") && segment(room_name) == room_name
}

/// Whether a requested value of `{room_id}` is the ID of another room.
pub fn belongs_to_other_room(path_id: &str, room_id: &str) -> bool {
    let filled = segment(path_id);
    filled.starts_with("RM_") && filled != room_id
}

/// The key without its extension.
pub fn stem(key: &str) -> &str {
    split_extension(key).0
}

/// The key of the full transcript next to a recording.
pub fn transcript_key(recording: &str) -> String {
    format!("{}.txt", split_extension(recording).0)
}

/// A name as a path segment: no parent directories, no subdirectories, no invisible characters.
fn segment(name: &str) -> String {
    let plain = name.replace("..", "_");
    let safe = |c: char| {
        if c.is_control() || c == '/' || c == '\\' || c == '{' || c == '}' {
            '_'
        } else {
            c
        }
    };
    let cleaned: String = plain.chars().map(safe).collect();
    undotted(&cleaned).to_owned()
}

/// A requested value of `{room_id}` as it is kept: what [`key`] would make of it.
pub fn segment_of(path_id: &str) -> String {
    shorten(&segment(path_id))
}

/// Clients take a segment of dots out of a URL, and the folder before it with `..`.
fn undotted(segment: &str) -> &str {
    match segment {
        "." | ".." => "_",
        segment => segment,
    }
}

fn shorten(segment: &str) -> String {
    if segment.len() <= SEGMENT {
        return segment.to_owned();
    }
    let digest = Sha256::digest(segment.as_bytes());
    let hash = hex(&digest[..4]);
    let (stem, extension) = split_extension(segment);
    let extension = if extension.len() > 8 { "" } else { extension };
    let mut end = SEGMENT - hash.len() - 1 - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash}{extension}", &stem[..end])
}

/// Whether a part of a key is so long that it was cut.
pub(super) fn was_cut(part: &str) -> bool {
    let hash = part.rsplit_once('-').map_or("", |(_, hash)| hash);
    part.len() > SEGMENT - 16 && hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The key up to its last dot, and the rest with the dot; a key without one has no extension.
pub(super) fn split_extension(key: &str) -> (&str, &str) {
    let name = key.rfind('/').map_or(0, |slash| slash + 1);
    match key[name..].rfind('.') {
        Some(dot) if dot > 0 => key.split_at(name + dot),
        _ => (key, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(template: &str, name: &str, taken: &[&str]) -> String {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let fill = Fill {
            room_id: "RM_1",
            room_name: name,
            at,
        };
        key(template, &fill, |key| taken.contains(&key))
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        let key = key_of("r/{room_name}/{date}-{time}.mp3", "../a/b#+ %😀\n", &[]);
        assert_eq!(key, "r/__a_b#+ %😀_/2026-01-02-030405.mp3");
    }

    #[test]
    fn no_segment_consists_of_dots() {
        for (template, name, key) in [
            ("{room_name}/call.mp3", ".", "_/call.mp3"),
            ("{room_name}/call.mp3", "..", "_/call.mp3"),
            ("r/.{room_name}/call.mp3", ".", "r/._/call.mp3"),
            ("r/{room_name}./call.mp3", ".", "r/_./call.mp3"),
            ("{room_name}.mp3", ".", "_.mp3"),
            ("{room_name}/call.mp3", "...", "_./call.mp3"),
            ("{room_name}/call.mp3", ".a", ".a/call.mp3"),
        ] {
            assert_eq!(key_of(template, name, &[]), key);
            assert_eq!(is_apart_by_name(template, name), name == ".a");
        }
    }

    #[test]
    fn a_second_recording_is_numbered() {
        assert_eq!(key_of("{room_id}.mp3", "", &["RM_1.mp3"]), "RM_1-2.mp3");
        let taken = ["RM_1.mp3", "RM_1-2.mp3"];
        assert_eq!(key_of("{room_id}.mp3", "", &taken), "RM_1-3.mp3");
    }

    #[test]
    fn a_template_keeps_calls_apart_by_their_id() {
        let apart = with_room_id("r/{room_name}.mp3");
        assert_eq!(key_of(&apart, "desk", &[]), "r/desk-RM_1.mp3");
        assert_eq!(with_room_id("{room_id}.mp3"), "{room_id}.mp3");
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = ("é".repeat(128) + "a", "é".repeat(128) + "b");
        let (a, b) = (
            key_of("x/{room_name}.mp3", &a, &[]),
            key_of("x/{room_name}.mp3", &b, &[]),
        );
        assert_ne!(a, b);
        assert!(a.len() <= 2 + SEGMENT && a.ends_with(".mp3"), "{a}");
    }
}
