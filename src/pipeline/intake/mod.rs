//! INBOX to CALL: reads messages in order, finds each one's call, folds, and writes calls and deliveries in one
//! transaction. The only writer of calls.

mod batch;

mod job;

mod fold;
mod route;

pub use job::Intake;
