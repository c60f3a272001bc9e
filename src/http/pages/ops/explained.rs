//! Why a call without an error has the status that it has.

use crate::domain::{Call, Status};

/// A sentence about a call that is over and has no recording, or none yet; `None`: its status says enough.
pub(super) fn explained(call: &Call) -> Option<&'static str> {
    let mut recordings = call.recordings.values();
    match call.status() {
        Status::Processing if recordings.any(|it| !call.has_ended(it)) => Some(
            "Waits for LiveKit to report the end of the recording; without a report it counts as lost after EGRESS_LOST_AFTER.",
        ),
        Status::Processing => Some("Waits for the recording, or for its upload."),
        Status::NoRecording if call.simulated => Some("A simulated call is not recorded."),
        Status::NoRecording if recordings.len() == 0 => Some("No recording was requested."),
        Status::NoRecording if recordings.all(|it| call.is_silent(it)) => {
            Some("Nobody spoke, so there is no recording.")
        }
        _ => None,
    }
}
