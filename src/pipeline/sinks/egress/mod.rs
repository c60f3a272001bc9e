//! Egress is a sink: the call says "should be recorded"; this sink compares with LiveKit's list and starts, stops or
//! adopts. LiveKit has no idempotency key, so a start is stored before it is sent, and none is sent again before
//! LiveKit has been asked.
//!
//! `domain::call::derived` decides whether a call needs a start or a stop; `sink` stops first. `room` checks that the open
//! room is the call's, `key` chooses the object key (from RECORDING_PATH by `domain::path`), `start` sends the start, `refusal`
//! handles a start that LiveKit refused, `unconfirmed` one that led to no recording of the call, and `state` is stored
//! between tries. `doubled` stops our egress in favour of another program's, `handback` waits before our egress records
//! what another program's no longer does, `hurried` lets another process try when LiveKit does not answer this one, and
//! `vanished` handles an egress that left its room without an end.

mod state;

mod sink;

mod doubled;
mod handback;
mod hurried;
mod key;
mod refusal;
mod room;
mod start;
mod unconfirmed;
mod vanished;

pub use sink::Egress;
pub use state::{EgressState, LastRefusal};
