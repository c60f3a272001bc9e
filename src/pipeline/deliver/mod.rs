//! Delivery to the outside world: finds what is due, lets the sink send the current state, and stores the outcome.
//!
//! Airtable has one owner, because the base has one budget. Deliveries to the other sinks are claimed one by one, by any
//! process (`store::claims`), and a process that the other side does not answer leaves them to the others (`reach`).

mod deliverer;
mod outcome;

mod failure_log;

mod dispatch;

mod claim;
mod finish;
mod load;
mod log;
mod reach;
mod send;

pub use deliverer::{BatchPermit, BatchPolicy, Deliverer, Due, Slot};
pub use dispatch::Deliver;
pub use outcome::{Attempt, Contact, Outcome};
