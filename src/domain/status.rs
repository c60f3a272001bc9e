//! The statuses of a call; [`Call::status`](super::Call::status) in `call::status` derives a call's.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::name::{UnknownName, by_name};

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The room is open.
    Live,
    /// The room is closed; the recording is not in the bucket yet.
    Processing,
    /// The recording's object is in the bucket with its size.
    Complete,
    /// No recording exists and none is missing.
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

    /// Whether the room is closed and nothing is awaited of its recordings.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Live | Status::Processing)
    }

    /// The choice in the Airtable column.
    pub fn label(self) -> &'static str {
        match self {
            Status::Live => "Live",
            Status::Processing => "Processing",
            Status::Complete => "Complete",
            Status::NoRecording => "No recording",
            Status::Failed => "Failed",
        }
    }

    /// The value in `/v1/calls?status=` and in the database.
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
