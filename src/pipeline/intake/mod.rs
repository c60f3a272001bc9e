//! INBOX to CALL: processes messages in order, finds the call of each, folds it, and writes calls and deliveries in one
//! transaction. The only writer of calls.

mod batch;
mod doctor_room;
mod listed;
mod pace;

mod job;

mod fold;
mod route;

mod large;

pub use job::Intake;
pub use large::LargeIntake;
pub use listed::Listed;
