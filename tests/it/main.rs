//! The service as a whole, on sockets, against the stand-ins and (in `real`) the real parts.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it is made of"
)]

mod ends;
mod harness;
mod main_job;
mod play;
mod real;
mod recordings;
