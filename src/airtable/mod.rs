//! Airtable's wire format: requests, what its refusals mean, the table's schema and how a base is brought to it.
//!
//! One [`Client`] owns one base's request budget. [`Schema`] says which columns there are and what fills them,
//! [`Plan`] compares it with the base that is there, and [`Mapping`] is what a writer needs: field ids, which survive a
//! rename. Facts about the API: airtable.com/developers/web/api.

mod attachments;
mod body;
mod book;
mod cell;
mod client;
mod compare;
mod error;
mod options;
mod pace;
mod parse;
mod path;
mod plan;
mod print;
pub mod row;
mod rules;
mod schema;
mod wire;

pub use attachments::Attachment;
pub use book::{Book, Denied, Entry, Leave};
pub use client::{Client, Config};
pub use error::{Access, Class, Error, Refusal};
pub use plan::{Plan, Step, create_base, locate};
pub use schema::{
    Column, Fault, Invalid, Mapping, OPEN_SOURCES, SOURCES, Schema, TableText, find_table,
};
pub use wire::{Base, Field, Table, Written};
