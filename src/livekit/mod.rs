//! LiveKit on the wire: what it says, what it signs for us, and what we ask of it.

pub mod body;
pub mod egress;
mod json;
mod twirp;
pub mod webhook;
