//! The service as a whole, on sockets, against the stand-ins and (in `real`) the real parts.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it is made of"
)]

mod bootstrap;
mod budget;
mod canaries;
mod cli;
mod clocks;
mod columns;
mod commands;
mod connections;
mod crowds;
mod denied;
mod disk;
mod ends;
mod failing_disk;
mod gate;
mod harness;
mod intruders;
mod keep;
mod letters;
mod links;
mod main_job;
mod memory;
mod migrations;
mod mirror;
mod names;
mod panics;
mod patience;
mod play;
mod process;
mod projects;
mod reader;
mod real;
mod reconcile;
mod recordings;
mod rows;
mod secrets;
mod storms;
mod transcripts;
mod watch;
mod webhooks;
