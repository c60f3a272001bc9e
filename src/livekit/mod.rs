//! LiveKit on the wire: what it signs for us, and what we ask of it.

pub mod egress;
mod json;
mod twirp;
pub mod webhook;
