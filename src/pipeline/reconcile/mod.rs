//! What no webhook reported: LiveKit is asked which rooms are open and the state of its egresses, and what is new goes through
//! the inbox.
//!
//! `job` has the order of the steps. `rooms` finds rooms that were opened, `gone` and `confirm` those that have closed,
//! `running` rooms with a running egress, `egresses` recordings that changed or vanished, `participants` who was there,
//! `recorders` egresses that left without a webhook, and `requests` requests to record that will never be fulfilled. An
//! alert reports when no webhooks arrive at all (`alerts::checks`).

mod target;

mod running;

mod egresses;
mod participants;
mod requests;

mod rooms;

mod confirm;
mod gone;

mod recorders;

mod job;

pub use job::RECONCILE;
pub use target::Reconcile;
