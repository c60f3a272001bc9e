//! The inbox message of a report, whichever way it came.

use serde_json::json;

use super::error::Problem;
use crate::domain::{Room, transcript::ReportOrigin};

/// The body of the inbox message, `{"room", "authorized_room", "origin", "body"}`, in the buffer of the report.
/// `authorized_room`: that of a LiveKit token. It decides when the call is known.
pub(super) fn stored(
    report: String,
    room: &Room,
    authorized_room: Option<&str>,
    origin: ReportOrigin,
) -> Result<String, Problem> {
    let room = serde_json::to_string(room);
    let room = room.map_err(|_| Problem::bad_request("the room cannot be stored"))?;
    let (authorized, origin) = (json!(authorized_room), json!(origin));
    let before =
        format!("{{\"room\":{room},\"authorized_room\":{authorized},\"origin\":{origin},\"body\":");
    Ok(enclosed(&before, report))
}

/// An object whose last value is this JSON, in its buffer: there is no second copy of it. `before` is the text in front of it,
/// with the object's first brace.
pub(super) fn enclosed(before: &str, mut last: String) -> String {
    last.reserve_exact(before.len() + 1);
    last.insert_str(0, before);
    last.push('}');
    last
}
