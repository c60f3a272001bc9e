//! Egress is a sink: the call says "should be recorded"; this sink compares with LiveKit's list and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is stored before it is sent, and none is sent again before
//! LiveKit has been asked.
//!
//! `sink` decides whether a call needs a start or a stop. `start` sends it, `key` chooses the object key (from
//! RECORDING_PATH by `domain::path`), `refusal` decides what becomes of a start that LiveKit refused, and `state` is what
//! is remembered of all this. When a call should be recorded: `domain::policy`, applied in `domain::call`.

mod state;

mod sink;

mod key;
mod refusal;
mod start;

pub use sink::Egress;
pub use state::EgressState;
