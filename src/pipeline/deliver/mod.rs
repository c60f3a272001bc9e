//! Delivery to the outside world: finds what is due, lets the sink send the current state, and stores the outcome.

mod deliverer;
mod outcome;

mod failure_log;

mod dispatch;

mod claim;
mod finish;
mod load;
mod log;
mod send;

pub use deliverer::{BatchPermit, BatchPolicy, Deliverer, Due, Slot};
pub use dispatch::Deliver;
pub use outcome::{Attempt, Outcome};
