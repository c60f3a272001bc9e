//! The command line: one file per command. Only the answer is on stdout.
//!
//! `commands` is the list of commands and runs one; `failure` has the exit codes; `audited` writes what commands do to the audit trail; `console` prints.

mod audited;
mod console;
mod failure;

mod audit;
mod backfill;
mod bootstrap;
mod calls;
#[cfg(feature = "sim")]
mod demo;
mod healthcheck;
mod record;
mod redrive;
mod replay;
mod serve;
#[cfg(feature = "sim")]
mod sim;

mod commands;

pub use commands::main;
