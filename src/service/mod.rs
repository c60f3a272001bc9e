//! The composition root, from `start` on: turns a configuration into clients, sinks and jobs, and runs them with the HTTP server.
//!
//! `serve`, `demo`, tests and benches start a whole [`Service`]; other commands take from here the parts they need: the
//! database, Airtable's client with its request budget, the bucket with its links, the jobs that start and stop
//! recordings.
//!
//! `start` builds and stops it all; `jobs` lists the jobs, out of `sinks`, `recording` and `maintenance`, and `livekit_keys` finds out whose LiveKit's keys are; `listen` opens the
//! socket.

mod error;

pub mod airtable;
pub mod bucket;
pub mod database;
mod pages;
pub mod prices;
pub mod recording;
mod sinks;

pub mod audit;
mod jobs;
mod livekit_keys;
mod maintenance;

pub mod file_system;
pub mod limits;
mod link_files;
mod link_secret;
mod listen;
mod lock;
mod rooms;
mod row_check;
mod schema_check;
mod start;
mod supervisor;
mod uploads;

pub use error::Error;
pub use listen::cannot_listen;
pub use start::Service;
