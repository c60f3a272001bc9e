//! Egress is a sink: the call says "should be recorded", this compares with what LiveKit lists, and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is remembered before it is sent, and none is sent again before
//! LiveKit has been asked.

mod state;

mod sink;

mod key;
mod refusal;
mod start;

pub use sink::Egress;
pub use state::EgressState;
