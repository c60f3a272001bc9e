//! Why a call is Failed, in words of ours. LiveKit's and the bucket's own are in its row alone: they may hold the room's
//! name, and that a phone number.

use super::{
    call::Call,
    recording::{EgressStatus, ObjectState, Recording},
    status::Status,
};

impl Call {
    /// For people who look after all calls; `None` unless the call is Failed.
    pub fn failure(&self) -> Option<String> {
        if self.status() != Status::Failed {
            return None;
        }
        let failed = |recording| self.recording_failure(recording);
        Some(self.shown().map_or_else(not_started, failed))
    }

    fn recording_failure(&self, recording: &Recording) -> String {
        match self.object(recording) {
            Some(ObjectState::Lost { .. }) => {
                "LiveKit uploaded it, and the bucket does not have it as it should be".into()
            }
            _ if !recording.status.is_over() => "LiveKit never said how it ended".into(),
            _ => egress_failure(recording),
        }
    }

    /// Whether somebody may have been recorded: not in a room that LiveKit's settings made up for a test event, and not
    /// in one of another project than `our_key`'s, which cannot be recorded here.
    pub fn could_be_recorded(&self, our_key: &str) -> bool {
        let anybody = !self.participants.is_empty() || !self.recordings.is_empty() || self.listed;
        anybody && !self.may_be_foreign(our_key)
    }
}

fn not_started() -> String {
    "LiveKit did not start it".into()
}

fn egress_failure(recording: &Recording) -> String {
    let code = match recording.error_code {
        0 => String::new(),
        code => format!(" ({code})"),
    };
    match recording.status {
        EgressStatus::Failed if recording.error.contains("upload") => {
            format!(
                "LiveKit could not upload it to the bucket{code}: look at the bucket's key and its endpoint"
            )
        }
        EgressStatus::Failed => format!("LiveKit's egress failed{code}"),
        EgressStatus::Aborted => format!("LiveKit's egress was aborted{code}"),
        _ => "LiveKit named no file of it".into(),
    }
}
