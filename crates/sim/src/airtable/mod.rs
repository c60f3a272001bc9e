//! A strict Airtable: the REST and metadata API of bases in memory, with its rate limits, checks and errors.
//!
//! Requests are checked as the live API checks them, so that what passes here passes there. Tests read rows, inject faults
//! and act as a user of the interface through [`Airtable`]; other programs do so over HTTP, see `control`.

mod attachments;
mod base;
mod call;
mod cells;
mod changes;
mod comments;
mod computed;
mod connection;
mod control;
mod faults;
mod fetch;
mod field_options;
mod formula;
mod ids;
mod limits;
mod links;
mod list;
mod options;
mod print;
mod records;
mod refusal;
mod routes;
mod schema;
mod seed;
mod server;
mod simulator;
mod start;
mod state;
mod typecast;
mod types;
mod upload;
mod upsert;
mod user;
mod webhook;
mod webhooks;

pub use faults::Fault;
pub use options::Options;
pub use simulator::{Airtable, Lock};
pub use start::start;
