//! What no webhook reported: LiveKit is asked which rooms are open and the state of its egresses, and what is new goes through
//! the inbox.

mod target;

mod egresses;
mod participants;
mod requests;
mod rooms;

mod job;

pub use target::Reconcile;
