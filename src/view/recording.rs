//! A recording of a call.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::names;
use crate::domain::{Call, ObjectState, Recording, nanoseconds::seconds};

/// A recording and its object in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct RecordingView<'a> {
    /// `EG_…`
    pub egress_id: &'a str,
    /// starting, active, ending, aborted, failed, limit_reached, complete
    #[schema(schema_with = names::recording_status)]
    pub status: &'static str,
    /// The object's key.
    pub filename: &'a str,
    /// Bytes, as the egress counted them.
    #[schema(required = true)]
    pub size: Option<u64>,
    /// Seconds, as the egress counted them.
    #[schema(required = true)]
    pub duration: Option<f64>,
    /// When LiveKit took the request.
    #[schema(required = true)]
    pub started_at: Option<Timestamp>,
    /// When the egress ended.
    #[schema(required = true)]
    pub ended_at: Option<Timestamp>,
    /// The bucket's last answer; null while it has not been asked.
    #[schema(required = true)]
    pub object: Option<ObjectView<'a>>,
    /// The recording's error, for people.
    #[schema(required = true)]
    pub error: Option<String>,
    /// A note for people: that it was stopped in favour of another, is not in S3_BUCKET, has no file because nobody spoke, or has not
    /// ended with its call.
    #[schema(required = true)]
    pub note: Option<String>,
}

/// The object of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RecordingObject)]
pub enum ObjectView<'a> {
    /// It is in the bucket with the size that the egress reported.
    Found(ObjectSizeView),
    /// It is not in the bucket yet.
    Missing,
    /// It has another size than the egress reported.
    OtherSize(ObjectSizeView),
    /// The bucket did not answer; why, for people.
    Unknown(ObjectErrorView<'a>),
    /// It was not there until EGRESS_LOST_AFTER; why, for people.
    Lost(ObjectErrorView<'a>),
}

/// The size of an object in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ObjectSize)]
pub struct ObjectSizeView {
    /// Bytes.
    pub size: u64,
}

/// Why nothing better is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ObjectError)]
pub struct ObjectErrorView<'a> {
    /// For people.
    pub error: &'a str,
}

/// A recording in the answer to a request that started or stopped it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RequestedRecording)]
pub struct RequestedRecordingView<'a> {
    /// `EG_…`; null while LiveKit has not answered.
    #[schema(required = true)]
    pub egress_id: Option<&'a str>,
    /// LiveKit's name of the room.
    pub room_name: &'a str,
    /// The room's sid.
    #[schema(required = true)]
    pub room_id: Option<&'a str>,
    /// As in [`RecordingView`], or pending while LiveKit has not answered.
    #[schema(schema_with = names::requested_status)]
    pub status: &'static str,
    /// The object's key.
    #[schema(required = true)]
    pub filename: Option<&'a str>,
    /// Why LiveKit has not done it yet, for people; only in a 202 response.
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
            note: call
                .recording_note(recording)
                .or_else(|| no_file(call, recording)),
        }
    }
}

/// Why a call that is over has no file of it, or none yet.
fn no_file(call: &Call, recording: &Recording) -> Option<String> {
    let note = match call.is_open() {
        false if call.is_silent(recording) => "Nobody spoke, so there is no file.",
        false if !call.has_ended(recording) => {
            "The call has ended, and LiveKit has not reported the end of this recording yet. Without a report it counts as lost after EGRESS_LOST_AFTER."
        }
        _ => return None,
    };
    Some(note.to_owned())
}

impl<'a> ObjectView<'a> {
    fn new(state: &'a ObjectState) -> ObjectView<'a> {
        match state {
            ObjectState::Found { size } => ObjectView::Found(ObjectSizeView { size: *size }),
            ObjectState::Missing => ObjectView::Missing,
            ObjectState::OtherSize { size } => {
                ObjectView::OtherSize(ObjectSizeView { size: *size })
            }
            ObjectState::Unknown { error } => ObjectView::Unknown(ObjectErrorView { error }),
            ObjectState::Lost { error, .. } => ObjectView::Lost(ObjectErrorView { error }),
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

    /// The same with the reason why LiveKit has not fulfilled the request yet.
    pub fn because(self, reason: &'a str) -> RequestedRecordingView<'a> {
        RequestedRecordingView {
            reason: Some(reason),
            ..self
        }
    }

    /// A request that LiveKit has not fulfilled yet; `reason`: why.
    pub fn pending(room_name: &'a str, reason: &'a str) -> RequestedRecordingView<'a> {
        RequestedRecordingView {
            egress_id: None,
            room_name,
            room_id: None,
            status: names::PENDING,
            filename: None,
            reason: Some(reason),
        }
    }
}
