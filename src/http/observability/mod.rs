//! `POST /observability/…`: the agents SDK uploads a session by itself when it ends, and exports telemetry. The paths and bodies
//! are LiveKit Cloud's, read in the packages livekit-agents 1.8.9 (`telemetry/traces.py`) and @livekit/agents 1.9.0
//! (`telemetry/recording_upload.ts`).

mod header;
mod retry;
mod uploader;

mod received_body;
mod refusal;

mod inflate;
mod paced;

mod fields;
mod parts;
mod summary;

mod keep;

pub(super) mod telemetry;
pub(super) mod upload;

pub(super) use retry::retryable;
