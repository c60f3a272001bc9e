//! What no webhook reported: LiveKit is asked which rooms are open and the state of its egresses, and what is new goes through
//! the inbox.

mod target;

mod running;

mod egresses;
mod participants;
mod requests;

mod rooms;

mod confirm;
mod gone;

mod job;

pub use job::RECONCILE;
pub use target::Reconcile;
