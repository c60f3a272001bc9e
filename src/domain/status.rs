//! What people read in the row's Status and Error.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{
    call::Call,
    name::{UnknownName, by_name},
    recording::{EgressStatus, ObjectState, Recording},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The room is open.
    Live,
    /// It is closed; the recording is not there yet.
    Processing,
    /// The recording's object is in the bucket with its size.
    Complete,
    /// None was made and none is missing.
    NoRecording,
    /// One was wanted and is not there.
    Failed,
}

impl Status {
    pub const ALL: [Status; 5] = [
        Status::Live,
        Status::Processing,
        Status::Complete,
        Status::NoRecording,
        Status::Failed,
    ];

    /// The choice of the Airtable column.
    pub fn label(self) -> &'static str {
        match self {
            Status::Live => "Live",
            Status::Processing => "Processing",
            Status::Complete => "Complete",
            Status::NoRecording => "No recording",
            Status::Failed => "Failed",
        }
    }

    /// The word of `/v1/calls?status=` and of the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Live => "live",
            Status::Processing => "processing",
            Status::Complete => "complete",
            Status::NoRecording => "no_recording",
            Status::Failed => "failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Status, UnknownName> {
        by_name(&Status::ALL, Status::as_str, name)
    }
}

/// How a recording stands, from the egress and the bucket together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordingOutcome {
    Pending,
    Playable,
    Silent,
    Missing,
}

impl Call {
    pub fn status(&self) -> Status {
        if self.is_open() {
            return Status::Live;
        }
        let outcomes: Vec<RecordingOutcome> =
            self.recordings.values().map(|r| self.outcome(r)).collect();
        let any = |outcome| outcomes.contains(&outcome);
        if any(RecordingOutcome::Pending) {
            Status::Processing
        } else if any(RecordingOutcome::Playable) {
            Status::Complete
        } else if any(RecordingOutcome::Missing) {
            Status::Failed
        } else if any(RecordingOutcome::Silent) {
            Status::NoRecording
        } else {
            self.status_unrecorded()
        }
    }

    fn status_unrecorded(&self) -> Status {
        match &self.not_started {
            Some(told) if told.over => Status::Failed,
            _ if self.pending_request().is_some() => Status::Processing,
            _ => Status::NoRecording,
        }
    }

    fn outcome(&self, recording: &Recording) -> RecordingOutcome {
        match self.object(recording) {
            Some(ObjectState::Found { .. }) => RecordingOutcome::Playable,
            Some(ObjectState::Lost { .. }) => RecordingOutcome::Missing,
            _ if self.must_look_for(recording) => RecordingOutcome::Pending,
            _ if recording.heard_nothing() => RecordingOutcome::Silent,
            _ if self.has_ended(recording) => RecordingOutcome::Missing,
            _ => RecordingOutcome::Pending,
        }
    }

    /// The recording of the row's columns: the newest playable one, else the newest.
    pub fn primary_recording(&self) -> Option<&Recording> {
        let newest = |r: &&Recording| (r.started_at, r.egress_id.clone());
        let playable = |r: &&Recording| self.outcome(r) == RecordingOutcome::Playable;
        let all = || self.recordings.values();
        all()
            .filter(playable)
            .max_by_key(newest)
            .or_else(|| all().max_by_key(newest))
    }

    /// The object that people can play, with its size in bytes.
    pub fn playable_recording(&self) -> Option<(&Recording, u64)> {
        let recording = self.primary_recording()?;
        match self.object(recording) {
            Some(ObjectState::Found { size }) => Some((recording, *size)),
            _ => None,
        }
    }

    /// Nanoseconds: the recording's length, else the room's.
    pub fn duration(&self) -> Option<i64> {
        let room = || {
            let (start, end) = (self.started_at()?, self.ended_at()?);
            i64::try_from(end.duration_since(start).as_nanos()).ok()
        };
        let recorded = self.primary_recording().and_then(|r| r.duration);
        recorded.or_else(room).filter(|nanos| *nanos >= 0)
    }

    /// What is wrong with this call, for people; empty when nothing is.
    pub fn error(&self) -> String {
        match self.primary_recording() {
            Some(recording) => self.recording_error(recording),
            None => match &self.not_started {
                Some(told) => told.text(self.is_open()),
                None => String::new(),
            },
        }
    }

    /// What is wrong with one recording, for people; empty when nothing is.
    pub fn recording_error(&self, recording: &Recording) -> String {
        let egress = egress_error(recording);
        let object = match self.object(recording) {
            Some(ObjectState::Missing) => {
                "The recording is not in the bucket yet. It is being looked for.".to_owned()
            }
            Some(ObjectState::OtherSize { size }) => format!(
                "The recording in the bucket {}. It is being looked at again.",
                recording.odd_size(*size)
            ),
            Some(ObjectState::Unknown { error }) => {
                format!("The bucket could not be asked for the recording: {error}")
            }
            Some(ObjectState::Lost { error }) => error.clone(),
            _ if self.lost.contains(&recording.egress_id) && !recording.status.is_over() => {
                "LiveKit never said how the recording ended: its egress is lost.".to_owned()
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
        &recording.error
    };
    match recording.status {
        EgressStatus::LimitReached => {
            format!("The recording is short: LiveKit's limit was reached ({reason}).")
        }
        EgressStatus::Failed | EgressStatus::Aborted if recording.located => {
            format!("The recording is short, it broke off: {reason}")
        }
        EgressStatus::Failed => format!("The recording failed: {reason}"),
        EgressStatus::Aborted if !recording.heard_nothing() => {
            format!("The recording was aborted: {reason}")
        }
        EgressStatus::Complete if recording.key.is_empty() => {
            "LiveKit says that the recording is complete, but named no file.".to_owned()
        }
        _ => String::new(),
    }
}
