//! What people read in the row's Status.

use std::str::FromStr;

use serde::Serialize;

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// One was requested and is not there.
    Failed,
}

impl Status {
    /// Every status, in the order of a call's life.
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

/// The text is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not one of live, processing, complete, no_recording, failed")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Status, UnknownStatus> {
        let named = Status::ALL.into_iter().find(|it| it.as_str() == word);
        named.ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}
