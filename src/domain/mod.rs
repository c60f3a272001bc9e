//! What a call is, and how it changes. Pure: no I/O, no clock; `now` is a parameter.

pub mod alarm;
pub mod backoff;
pub mod budget;
pub mod call;
pub mod event;
mod failure;
pub mod link;
mod name;
pub mod participant;
pub mod path;
pub mod policy;
pub mod recording;
mod sink;
pub mod status;
pub mod stored;
pub mod transcript;

pub use call::{Call, DueDelivery, Step, apply};
pub use event::{Event, EventPayload, EventSource, Job, Room};
pub use name::{UnknownName, by_name};
pub use policy::Policy;
pub use recording::{EgressStatus, FileType, Object, Recording};
pub use sink::Sink;
pub use status::Status;
pub use stored::Stored;

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
