//! The database: all SQL of the crate, and only SQL. One text runs on SQLite and PostgreSQL. Every transaction's first
//! statement is a write, and none is open while anything waits on a network.

mod engine;
mod error;
mod migrations;
mod open;
mod settings;
mod sql;
mod unknown;

mod base;
mod calls;
mod clock;
mod closures;
mod deliveries;
mod finish;
mod inbox;
mod keep;
mod lease;
mod look;
mod outage;
mod redrive;
mod replay;

use error::{Result, reason};
use sql::{chunks, millis, rows, text, time};

pub use base::{After, BaseRow};
pub use calls::{CallRow, Filter, Folded, Page};
pub use closures::Closure;
pub use deliveries::{Delivery, Depth, Key, State, Try, sink_name};
pub use error::Error;
pub use finish::Finish;
pub use inbox::{Kind, Letter, Settled, Waiting};
pub use lease::Lease;
pub use look::{Silence, Stuck};
pub use migrations::{Migration, Migrations, Number};
pub use open::{Store, exists, sqlite_file};
pub use redrive::{Again, Owing, Selection};
pub use replay::Judged;
pub use settings::Setting;
pub use sql::NEVER;
pub use unknown::UnknownValue;
