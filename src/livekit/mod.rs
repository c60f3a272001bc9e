//! LiveKit on the wire: what it says, what it signs for us, and what we ask of it.

pub mod body;
pub mod egress;
mod info;
mod twirp;
pub mod webhook;
