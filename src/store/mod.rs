//! The database: all SQL of the crate, and only SQL. One text runs on SQLite and PostgreSQL. Every transaction's first
//! statement is a write, and none is open while anything waits on a network.
//!
//! - `open`, `private_files`, `connections`, `free_space`, `engine`, `checkpoint`, `migration`, `migrations`, `settings`, `column_locks`: the database itself.
//! - `message`, `inbox_writer`, `outage`, `inbox`, `due_messages`, `take_over`, `livekit_keys`: what comes in.
//! - `alignments`, `waveforms`, `call_list`, `call_messages`, `calls`, `fold`, `in_memory`, `large_bodies`, `new_report`, `reports`, `object_keys`: what it makes of calls.
//! - `delivery_state`, `attempt`, `delivery`, `enqueue`, `deliveries`, `claims`, `finish`, `end`, `delivery_writer`, `paused_sinks`, `refused_creates`: what goes out.
//! - `rebuild`, `redrive`: doing it again. `retention`: what is deleted. `monitoring`: what is wrong.
//! - `link_secret`, `link_revocations`, `outdated_links`: permanent links.
//! - `audit`: who listened, read or changed something. `sessions`: who is signed in.
//! - `doctor`: what `doctor` asks and remembers.
//! - `process`, `lease`, `ledger`, `demand`, `clock_regression`: what processes share in addition to data.

mod checkpoint;
mod column_locks;
mod connections;
mod engine;
mod error;
mod free_space;
mod migration;
mod migrations;
mod open;
mod pooler;
mod private_files;
mod process;
mod settings;
mod sql;
mod unknown;
mod waiting_requests;

mod due_messages;
mod inbox;
mod inbox_writer;
mod livekit_keys;
mod message;
mod message_state;
mod outage;
mod take_over;

mod alignments;
mod call_list;
mod call_messages;
mod calls;
mod fold;
mod in_memory;
mod large_bodies;
mod new_report;
mod object_keys;
mod reports;
mod waveforms;

mod attempt;
mod claims;
mod deliveries;
mod delivery;
mod delivery_state;
mod delivery_writer;
mod end;
mod enqueue;
mod finish;
mod paused_sinks;
mod refused_creates;

mod audit;
mod sessions;

mod clock_regression;
mod demand;
mod doctor;
mod lease;
mod ledger;

mod link_revocations;
mod link_secret;
mod outdated_links;

mod double_recordings;
mod monitoring;
mod rebuild;
mod redrive;
mod retention;

pub use alignments::DueAlignment;
pub use attempt::{AttemptDetails, AttemptRecord};
pub use audit::{AuditCheck, AuditFilter, AuditLine, RefusedRequests};
pub use call_list::{ListFilter, ListPart, ListPlace, ListText, ListedCall};
pub use call_messages::CallMessage;
pub use calls::{CallFilter, CallRow, Listing, Page, is_cursor};
pub use connections::FewConnections;
pub use deliveries::QueueDepth;
pub use delivery::{Delivery, DeliveryKey};
pub use delivery_state::DeliveryState;
pub use doctor::Growth;
pub use double_recordings::DoubleRecording;
pub use due_messages::DueMessage;
pub use error::Error;
pub use finish::Finish;
pub use fold::{CallUpdate, Fold};
pub use free_space::free_bytes;
pub use in_memory::InMemory;
pub use inbox::{Processed, Waiting};
pub use large_bodies::{LARGE, LargeBodies, Sizes, Turn, beside_others};
pub use lease::Lease;
pub use ledger::{After, BaseRow};
pub use link_secret::Erased;
pub use message::{InboxMessage, MessageKind, MessageOutcome, StoredMessage, UnreadableMessage};
pub use message_state::MessageState;
pub use migration::{Migration, Number};
pub use migrations::{Migrations, newest_migration};
pub use monitoring::{Backlog, Unprocessed, WebhookGap};
pub use new_report::{NewReport, ReportBody};
pub use open::{Store, exists, sqlite_file};
pub use outdated_links::LinkScan;
pub use paused_sinks::PausedSink;
pub use private_files::make_private;
pub use rebuild::{ProcessedMessage, ReadResult};
pub use redrive::{CallSelection, Outstanding, RedriveScope, Selection, StateSelection};
pub use sessions::{SessionHolder, StoredSession};
pub use settings::Setting;
pub use unknown::UnknownValue;
pub use waveforms::DueWaveform;
