//! The inbox message of a report, whichever way it came.

use serde_json::json;

use super::error::Problem;
use crate::domain::{Room, agent_audio::ReportedAudio, transcript::ReportOrigin};

/// What is stored in front of a report.
pub(super) struct StoredHead<'a> {
    /// The room that its request names.
    pub(super) room: &'a Room,
    /// That of a LiveKit token. It decides when the call is known.
    pub(super) authorized_room: Option<&'a str>,
    /// How it came.
    pub(super) origin: ReportOrigin,
    /// The audio that was uploaded with it.
    pub(super) audio: Option<ReportedAudio>,
    /// Why the words that were uploaded with it cannot be used, for people.
    pub(super) refused_words: Option<&'a str>,
}

impl<'a> StoredHead<'a> {
    /// Of a report that an agent or a person sent.
    pub(super) fn sent(room: &'a Room, authorized_room: Option<&'a str>) -> StoredHead<'a> {
        StoredHead {
            room,
            authorized_room,
            origin: ReportOrigin::Sent,
            audio: None,
            refused_words: None,
        }
    }
}

/// The body of the inbox message, `{"room", "authorized_room", "origin", "audio", "refused_words", "body"}`, in the buffer of the
/// report.
pub(super) fn stored(report: String, head: &StoredHead<'_>) -> Result<String, Problem> {
    let room = serde_json::to_string(head.room);
    let room = room.map_err(|_| Problem::bad_request("the room cannot be stored"))?;
    let (authorized, origin) = (json!(head.authorized_room), json!(head.origin));
    let audio = head
        .audio
        .map_or_else(String::new, |audio| format!("\"audio\":{},", json!(audio)));
    let refused = head.refused_words.map_or_else(String::new, |why| {
        format!("\"refused_words\":{},", json!(why))
    });
    let before = format!(
        "{{\"room\":{room},\"authorized_room\":{authorized},\"origin\":{origin},{audio}{refused}\"body\":"
    );
    Ok(enclosed(&before, report))
}

/// The body of the inbox message of an upload that cannot be read, `{"room", "origin", "unreadable", "body"}`: why, and its
/// text.
pub(super) fn unreadable(text: &[u8], room: &Room, reason: &str) -> Result<String, Problem> {
    let room = serde_json::to_string(room);
    let room = room.map_err(|_| Problem::bad_request("the room cannot be stored"))?;
    let (reason, origin) = (json!(reason), json!(ReportOrigin::Uploaded));
    // No conversation for a version that does not know `unreadable`.
    let text = json!({ "text_of_upload": String::from_utf8_lossy(text) }).to_string();
    let before = format!("{{\"room\":{room},\"origin\":{origin},\"unreadable\":{reason},\"body\":");
    Ok(enclosed(&before, text))
}

/// An object whose last value is this JSON, in its buffer: there is no second copy of it. `before` is the text in front of it,
/// with the object's first brace.
pub(super) fn enclosed(before: &str, mut last: String) -> String {
    last.reserve_exact(before.len() + 1);
    last.insert_str(0, before);
    last.push('}');
    last
}
