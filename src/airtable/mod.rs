//! Airtable's wire format: requests, what its refusals mean, the table's schema and how a base is brought to it.
//!
//! Requests: [`Client`] owns one base's request budget (`rate_limiter`, `rate`, `slots`, and `ledger` for what other
//! processes send); `records`, `attachments` and `metadata` have its requests, `wire` their JSON. [`Error`] is what they
//! fail with; `refusal` decides from status and body which [`Class`] it is. After a 429, `rate_limiter` waits as long as
//! Airtable says, or 30 s, halves its rate (`domain::budget`) and continues with one request.
//!
//! The table: [`Schema`] says which columns there are and what fills them (`parse` reads its file by `rules`), [`Plan`]
//! compares it with a base, step by step, and [`Mapping`] is what a writer needs: field ids, which survive a rename.
//! [`projection`] makes the row of a call.
//!
//! Facts about the API: airtable.com/developers/web/api.

mod attachments;
mod body;
mod cell;
mod cell_match;
mod class;
mod client;
mod column;
mod compare;
mod convert;
mod error;
mod field_type;
mod ledger;
mod locks;
mod message;
mod metadata;
mod options;
mod parse;
mod path;
mod permission;
mod plan;
mod print;
pub mod projection;
mod rate;
mod rate_limiter;
mod reader;
mod record_limit;
mod records;
mod refusal;
mod refusal_type;
mod rules;
mod schema;
mod slots;
mod source;
mod step;
mod wire;

pub use attachments::Attachment;
pub use cell_match::{as_sent, is_same};
pub use class::{Access, Class};
pub use client::{Client, Config};
pub use column::Column;
pub use error::Error;
pub use field_type::{FieldType, FoundType, UnknownType};
pub use ledger::{Denied, Grant, LedgerEntry, RequestLedger};
pub use locks::{ColumnPermissions, column_permissions};
pub use permission::Permission;
pub use plan::{Plan, create_base, find_table, locate};
pub use refusal::{AnsweredBy, Refusal};
pub use refusal_type::RefusalType;
pub use schema::{Fault, Invalid, Mapping, Schema, TableText};
pub use source::{Source, UnknownSource};
pub use step::{Sign, Step};
pub use wire::{Base, Field, Table, Written};
