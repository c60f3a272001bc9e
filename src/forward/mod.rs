//! LIVEKIT_OBSERVABILITY_FORWARD: sends what agents upload on to LiveKit Cloud, so that its insights go on. The agents SDK
//! uploads to one address only.
//!
//! The body of an upload is copied to the disk while it arrives. Once the upload is acknowledged, the same bytes go on with the
//! same token, once: what LiveKit refuses, what it does not answer in time, and what a stop interrupts is counted and not
//! sent again; what a crash interrupts is not sent again, either, and the next process deletes its copy. Nothing waits for it, and
//! the copies are bounded.

mod copy;
mod file_body;

mod forwarder;

pub use copy::{BodyCopy, Destination};
pub use forwarder::{Config, Forwarder};
