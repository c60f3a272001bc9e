//! What people read in the row's Error.

use super::{
    call::Call, egress_status::EgressStatus, object::ObjectState, recording::Recording,
    start_refusal::NotStarted,
};

impl Call {
    /// What is wrong with this call, for people; empty if nothing is.
    pub fn error(&self) -> String {
        match (self.primary_recording(), &self.not_started) {
            (Some(recording), _) => self.recording_error(recording),
            (None, Some(not_started)) => self.not_started_error(not_started),
            (None, None) => String::new(),
        }
    }

    /// What happened to a start that failed, and what comes next, for people.
    pub fn not_started_error(&self, not_started: &NotStarted) -> String {
        let next = match self.is_open() {
            _ if not_started.refusal.is_final() => return not_started.error.clone(),
            true => "Retrying while the call is open.",
            false => {
                "The call has ended; the service still checks whether somebody else recorded it."
            }
        };
        format!("{} {next}", not_started.error)
    }

    /// What is wrong with one recording, for people; empty if nothing is.
    pub fn recording_error(&self, recording: &Recording) -> String {
        let egress = egress_error(recording);
        let object = match self.object(recording) {
            Some(ObjectState::Missing) => {
                "The recording is not in the bucket yet. The service checks again.".to_owned()
            }
            Some(ObjectState::OtherSize { size }) => format!(
                "The recording in the bucket {}. The service checks again.",
                recording.odd_size(*size)
            ),
            Some(ObjectState::Unknown { error }) => {
                format!("The bucket could not be checked for the recording: {error}")
            }
            Some(ObjectState::Lost { error, .. }) => error.clone(),
            _ if self.lost.contains(&recording.egress_id) && !recording.status.is_over() => {
                "LiveKit never reported how the recording ended: its egress is marked lost."
                    .to_owned()
            }
            _ => String::new(),
        };
        [egress, object]
            .iter()
            .filter(|text| !text.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn egress_error(recording: &Recording) -> String {
    let reason = if recording.error.is_empty() {
        "LiveKit gave no reason"
    } else {
        recording.error.as_str()
    };
    match recording.status {
        EgressStatus::LimitReached => {
            format!("The recording is incomplete: LiveKit's limit was reached ({reason}).")
        }
        EgressStatus::Failed | EgressStatus::Aborted if recording.located => {
            format!("The recording is incomplete because it was interrupted: {reason}")
        }
        EgressStatus::Failed => format!("The recording failed: {reason}"),
        EgressStatus::Aborted if !recording.has_no_audio() => {
            format!("The recording was aborted: {reason}")
        }
        EgressStatus::Complete if recording.key.is_empty() => {
            "LiveKit reported the recording as complete, but named no file.".to_owned()
        }
        _ => String::new(),
    }
}
