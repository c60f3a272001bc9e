//! Egress is a sink: the call says "should be recorded"; this sink compares with LiveKit's list and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is stored before it is sent, and none is sent again before
//! LiveKit has been asked.
//!
//! `domain::call::derived` decides whether a call needs a start or a stop; `sink` does the stop first. `start` sends
//! it, `key` chooses the object key (from RECORDING_PATH by `domain::path`), `refusal` decides what becomes of a start
//! that LiveKit refused, and `state` is what is remembered of all this. `doubled` has our recording give
//! way to another program's, and `vanished` finds out what became of an egress that left its room.

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
