//! The part `header` of an upload: LiveKit's `MetricsRecordingHeader`.

use jiff::Timestamp;
use prost::Message;

use crate::{
    domain::{Room, is_id},
    http::error::Problem,
};

/// The fields of `livekit.MetricsRecordingHeader` that are used. `session_summary` is newer than livekit-protocol 0.8.2, whose type
/// of this name has no such field.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    /// The room's sid.
    #[prost(string, tag = "1")]
    pub(super) room_id: String,
    /// When the audio begins; 1970 without audio.
    #[prost(message, optional, tag = "4")]
    pub(super) start_time: Option<Time>,
    /// The room's name; SDKs leave it out.
    #[prost(string, tag = "6")]
    pub(super) room_name: String,
    /// The agent's job.
    #[prost(string, tag = "8")]
    pub(super) job_id: String,
    /// The session report without history and events, as JSON: livekit-agents 1.8.9 and later.
    #[prost(string, tag = "11")]
    pub(super) session_summary: String,
}

/// `google.protobuf.Timestamp`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Header {
    /// Reads the part.
    ///
    /// # Errors
    /// 400 when it is no such message, or names no room.
    pub(super) fn read(bytes: &[u8]) -> Result<Header, Problem> {
        let header = Header::decode(bytes).map_err(|_| {
            Problem::bad_request("the part `header` is not a MetricsRecordingHeader of LiveKit")
        })?;
        let id = header.room_id.as_str();
        match id.starts_with("RM_") && is_id(id) {
            true => Ok(header),
            false => Err(Problem::bad_request(
                "the part `header` names no room: `room_id` must be the sid of a LiveKit room",
            )),
        }
    }

    /// The room of the session.
    pub(super) fn room(&self) -> Room {
        Room {
            sid: self.room_id.as_str().into(),
            name: self.room_name.replace('\0', "").as_str().into(),
            ..Room::default()
        }
    }

    /// When the audio begins, to the millisecond.
    pub(super) fn audio_started_at(&self) -> Option<Timestamp> {
        let Time { seconds, nanos } = self.start_time.as_ref()?;
        let millis = seconds
            .checked_mul(1000)?
            .checked_add(i64::from(nanos / 1_000_000))?;
        Timestamp::from_millisecond(millis)
            .ok()
            .filter(|_| millis > 0)
    }
}
