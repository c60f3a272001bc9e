//! The database: all SQL of the crate, and only SQL. One text runs on SQLite and PostgreSQL. Every transaction's first
//! statement is a write, and none is open while anything waits on a network.

mod engine;
mod error;
mod migrations;
mod open;
mod settings;
mod sql;
mod unknown;

mod calls;
mod clock_regression;
mod deliveries;
mod finish;
mod inbox;
mod lease;
mod ledger;
mod monitoring;
mod outage;
mod paused_sinks;
mod rebuild;
mod redrive;
mod retention;

use error::{Result, reason};
use sql::{chunks, millis, rows, text, time};

pub use calls::{CallFilter, CallRow, CallUpdate, Page};
pub use deliveries::{AttemptRecord, Delivery, DeliveryKey, DeliveryState, QueueDepth, sink_name};
pub use error::Error;
pub use finish::Finish;
pub use inbox::{InboxMessage, MessageKind, Processed, Waiting};
pub use lease::Lease;
pub use ledger::{After, BaseRow};
pub use migrations::{Migration, Migrations, Number};
pub use monitoring::{Backlog, WebhookGap};
pub use open::{Store, exists, sqlite_file};
pub use paused_sinks::PausedSink;
pub use rebuild::ReadResult;
pub use redrive::{Outstanding, RedriveScope, Selection};
pub use settings::Setting;
pub use sql::NEVER;
pub use unknown::UnknownValue;
