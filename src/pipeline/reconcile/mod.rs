//! What no webhook reported: LiveKit is asked which rooms are open and the state of its egresses, and what is new goes through
//! the inbox.
//!
//! `job` says when and in which order; `rooms` decides which calls were opened or closed, `egresses` which recordings
//! changed or vanished, `participants` who was there, `requests` which requests to record will never be fulfilled. That no webhook arrives at all is an
//! alert (`alerts::checks`).

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
