//! Egress is a sink: the call says "should be recorded"; this sink compares with LiveKit's list and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is stored before it is sent, and none is sent again before
//! LiveKit has been asked.

mod state;

mod sink;

mod doubled;
mod key;
mod refusal;
mod room;
mod start;
mod vanished;

pub use sink::Egress;
pub use state::EgressState;
