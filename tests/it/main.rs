//! The service as a whole, on sockets, against the stand-ins and (in `real`) the real parts.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod cli;
mod harness;
mod letters;
mod main_job;
mod names;
mod process;
mod secrets;
mod transcripts;
mod webhooks;
