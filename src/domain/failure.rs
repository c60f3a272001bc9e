//! Why a call is Failed, in our own words. LiveKit's and the bucket's messages appear only in the call's row: they may
//! contain the room name, and therefore a phone number.

use super::{
    call::Call, egress_error::FailureKind, egress_status::EgressStatus, object::ObjectState,
    recording::Recording, status::Status,
};

impl Call {
    /// For operators; `None` unless the call is Failed.
    pub fn failure(&self) -> Option<String> {
        if self.status() != Status::Failed {
            return None;
        }
        let failed = |recording| self.recording_failure(recording);
        Some(self.primary_recording().map_or_else(not_started, failed))
    }

    fn recording_failure(&self, recording: &Recording) -> String {
        match self.object(recording) {
            Some(ObjectState::Lost { .. }) => {
                "LiveKit uploaded the recording, but the object in the bucket is missing or has the wrong size".into()
            }
            _ if self.is_contested(recording) => {
                "the recording's object is claimed by another call, too, and neither call is linked to it".into()
            }
            _ if recording.place.is_backup() => {
                "LiveKit could not upload the recording to the bucket and put it into its backup storage: check the bucket's key and endpoint in LiveKit".into()
            }
            _ if !recording.status.is_over() => "LiveKit never reported how the recording ended".into(),
            _ => egress_failure(recording),
        }
    }

    /// Whether somebody was there to be recorded: not in a room of a test event from LiveKit's settings, and not in
    /// another project than that of `our_key`, which cannot be recorded here.
    pub fn could_be_recorded(&self, our_key: &str) -> bool {
        let anybody = !self.participants.is_empty() || !self.recordings.is_empty();
        anybody && !self.may_be_foreign(our_key)
    }
}

fn not_started() -> String {
    "LiveKit did not start the recording".into()
}

fn egress_failure(recording: &Recording) -> String {
    let code = match recording.error_code {
        0 => String::new(),
        code => format!(" ({code})"),
    };
    match recording.status {
        EgressStatus::Failed => failed_because(recording.error.kind(), &code),
        EgressStatus::Aborted if recording.has_no_audio() => {
            format!(
                "LiveKit's egress was aborted although people spoke{code}: it heard nothing of the room"
            )
        }
        EgressStatus::Aborted => format!("LiveKit's egress was aborted{code}"),
        _ => "LiveKit reported no file".into(),
    }
}

/// `code`: LiveKit's own, which is 400 for every upload and says nothing of the storage.
fn failed_because(kind: FailureKind, code: &str) -> String {
    match kind {
        FailureKind::Unreachable => {
            "LiveKit could not reach the storage to upload the recording: check that it runs and that LiveKit's egress can connect to S3_ENDPOINT (or S3_EGRESS_ENDPOINT)".into()
        }
        FailureKind::Upload { status } => {
            let status = status.map_or(String::new(), |status| format!(" ({status})"));
            format!(
                "LiveKit could not upload the recording to the bucket{status}: check the bucket's key and endpoint"
            )
        }
        FailureKind::Stopped | FailureKind::Other => format!("LiveKit's egress failed{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::start_refusal::{NotStarted, StartRefusal};

    fn failed(status: EgressStatus, error: &str, error_code: i64) -> Call {
        let recording = Recording {
            egress_id: "EG_1".into(),
            status,
            error: error.into(),
            error_code,
            ..Recording::default()
        };
        Call {
            finished_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            recordings: [("EG_1".into(), recording)].into(),
            ..Call::default()
        }
    }

    #[test]
    fn reasons_are_kinds_and_never_the_words_of_others() {
        let upload = "S3 upload failed: call-+15551234567.mp3: denied";
        let status =
            "S3 upload failed: call-+15551234567.mp3: https response error StatusCode: 403";
        let unreachable = "S3 upload failed: StatusCode: 0, request send failed, Put call-+15551234567.mp3: dial tcp";
        let mut refused = failed(EgressStatus::Starting, "", 0);
        refused.recordings.clear();
        refused.not_started = Some(NotStarted {
            at: "2026-01-02T03:04:06Z".parse().unwrap(),
            error: "no worker for call-+15551234567".into(),
            refusal: StartRefusal::Final,
        });
        let cases = [
            (
                failed(EgressStatus::Failed, upload, 400),
                "LiveKit could not upload the recording to the bucket: check the bucket's key and endpoint",
            ),
            (
                failed(EgressStatus::Failed, status, 400),
                "LiveKit could not upload the recording to the bucket (403): check the bucket's key and endpoint",
            ),
            (
                failed(EgressStatus::Failed, unreachable, 400),
                "LiveKit could not reach the storage to upload the recording: check that it runs and that LiveKit's egress can connect to S3_ENDPOINT (or S3_EGRESS_ENDPOINT)",
            ),
            (
                failed(EgressStatus::Failed, "+15551234567 left", 503),
                "LiveKit's egress failed (503)",
            ),
            (refused, "LiveKit did not start the recording"),
        ];
        for (call, reason) in cases {
            assert_eq!(call.failure().as_deref(), Some(reason));
        }
        let silent = failed(EgressStatus::Aborted, "Start signal not received", 412);
        assert_eq!(silent.failure(), None, "nobody spoke");
    }

    #[test]
    fn what_nobody_could_record_is_no_failure_of_ours() {
        let test_event = Call::default();
        assert!(!test_event.could_be_recorded("ours"));
        let mut call = failed(EgressStatus::Failed, "", 0);
        assert!(call.could_be_recorded("ours"));
        call.signers.insert("theirs".into());
        assert!(!call.could_be_recorded("ours"));
    }
}
