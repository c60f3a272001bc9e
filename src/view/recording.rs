//! A recording of a call.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Call, ObjectState, Recording, nanoseconds::seconds};

/// A recording and its object in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordingView<'a> {
    /// `EG_…`
    pub egress_id: &'a str,
    /// starting, active, ending, aborted, failed, limit_reached, complete
    pub status: &'static str,
    /// The object's key.
    pub filename: &'a str,
    /// Bytes, as the egress counted them.
    pub size: Option<u64>,
    /// Seconds, as the egress counted them.
    pub duration: Option<f64>,
    /// When LiveKit took the request.
    pub started_at: Option<Timestamp>,
    /// When the egress ended.
    pub ended_at: Option<Timestamp>,
    /// The bucket's last answer; null while it has not been asked.
    pub object: Option<ObjectView<'a>>,
    /// The recording's error, for people.
    pub error: Option<String>,
    /// What else people should know: that it was stopped in favour of another, or is not in S3_BUCKET.
    pub note: Option<String>,
}

/// The object of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectView<'a> {
    /// It is in the bucket with the size that the egress reported.
    Found { size: u64 },
    /// It is not in the bucket yet.
    Missing,
    /// It has another size than the egress reported.
    OtherSize { size: u64 },
    /// The bucket did not answer; why, for people.
    Unknown { error: &'a str },
    /// It was not there until EGRESS_LOST_AFTER; why, for people.
    Lost { error: &'a str },
}

/// A recording in the answer to a request that started or stopped it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestedRecordingView<'a> {
    /// `EG_…`; null while LiveKit has not answered.
    pub egress_id: Option<&'a str>,
    /// LiveKit's name of the room.
    pub room_name: &'a str,
    /// The room's sid.
    pub room_id: Option<&'a str>,
    /// As in [`RecordingView`], or pending while LiveKit has not answered.
    pub status: &'static str,
    /// The object's key.
    pub filename: Option<&'a str>,
    /// Why LiveKit has not done it yet, for people; only in an answer that comes before the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

impl<'a> RecordingView<'a> {
    /// A recording of this call.
    pub fn new(call: &'a Call, recording: &'a Recording) -> RecordingView<'a> {
        let error = call.recording_error(recording);
        RecordingView {
            egress_id: &recording.egress_id,
            status: recording.status.as_str(),
            filename: &recording.key,
            size: recording.size,
            duration: recording.duration.map(seconds),
            started_at: recording.started_at,
            ended_at: recording.ended_at,
            object: call.object(recording).map(ObjectView::new),
            error: Some(error).filter(|error| !error.is_empty()),
            note: call.recording_note(recording),
        }
    }
}

impl<'a> ObjectView<'a> {
    fn new(state: &'a ObjectState) -> ObjectView<'a> {
        match state {
            ObjectState::Found { size } => ObjectView::Found { size: *size },
            ObjectState::Missing => ObjectView::Missing,
            ObjectState::OtherSize { size } => ObjectView::OtherSize { size: *size },
            ObjectState::Unknown { error } => ObjectView::Unknown { error },
            ObjectState::Lost { error, .. } => ObjectView::Lost { error },
        }
    }
}

impl<'a> RequestedRecordingView<'a> {
    /// A recording of this call.
    pub fn new(call: &'a Call, recording: &'a Recording) -> RequestedRecordingView<'a> {
        RequestedRecordingView {
            egress_id: Some(&recording.egress_id),
            room_name: &call.room_name,
            room_id: Some(&call.id),
            status: recording.status.as_str(),
            filename: Some(&recording.key),
            reason: None,
        }
    }

    /// The same with the reason why LiveKit has not done what was asked for yet.
    pub fn because(self, reason: &'a str) -> RequestedRecordingView<'a> {
        RequestedRecordingView {
            reason: Some(reason),
            ..self
        }
    }

    /// A request that LiveKit has not granted yet; `reason`: why.
    pub fn pending(room_name: &'a str, reason: &'a str) -> RequestedRecordingView<'a> {
        RequestedRecordingView {
            egress_id: None,
            room_name,
            room_id: None,
            status: "pending",
            filename: None,
            reason: Some(reason),
        }
    }
}
