//! The rooms that are recorded, for the log: a glob with a mistake matches no room, and nothing else would show it.

use crate::{config::RecordingSettings, domain::policy::RecordOn};

/// Logs RECORD_ON and the globs of RECORD_ROOMS, and warns of globs that may be mistakes.
pub(super) fn report(recording: &RecordingSettings) {
    let shown = |glob: &String| format!("{glob:?}");
    let rooms = recording.rooms.iter().map(shown).collect::<Vec<_>>();
    let rooms = rooms.join(", ");
    match recording.on {
        RecordOn::Manual if recording.rooms == ["*"] => {
            tracing::info!("RECORD_ON=manual: recordings start on request only");
        }
        RecordOn::Manual => tracing::warn!(
            rooms,
            "RECORD_ON=manual: recordings start on request only, and RECORD_ROOMS has no effect"
        ),
        on => tracing::info!(
            rooms,
            record_on = on.as_str(),
            "rooms with these names are recorded (RECORD_ROOMS; ! excludes)"
        ),
    }
    for glob in &recording.rooms {
        if glob.contains(char::is_whitespace) {
            tracing::warn!(
                glob,
                "RECORD_ROOMS: the blank is a part of the room's name; commas separate globs"
            );
        }
        if glob.contains(".*") {
            tracing::warn!(
                glob,
                "RECORD_ROOMS: the dot is a part of the room's name; globs are no regular expressions"
            );
        }
    }
}
