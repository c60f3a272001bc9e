//! The HTTP server: stores what it receives and answers from the store; a link asks the bucket whether the file is there.
//!
//! `server`, `phase`, `socket` and `arrival` serve connections within their limits; `admission` decides which bodies are
//! received; `router` lists every request. Each resource has its handlers in a file of its own; they share [`App`], `auth`,
//! `error` and `wait`. `ops` has the pages for people.

mod admission;
mod app;
mod audit;
mod auth;
mod error;
mod quality;
mod refusals;
mod refused_tokens;
mod token_refusal;
mod tokens;
mod uploads;
mod visitor;
mod wait;
mod writable;

mod assets;
mod budget;
mod calls;
mod get_transcript;
mod health;
mod link_check;
mod links;
mod local;
mod metrics;
mod observability;
mod openapi;
mod pages;
mod pieces;
mod post_transcript;
mod readable;
mod recordings;
mod repair;
mod report_body;
mod report_message;
mod report_room;
mod room_names;
mod transcript_format;
mod webhook;

mod router;

mod arrival;
mod phase;
pub mod server;
mod socket;

pub use admission::Admission;
pub use app::{App, BaseBudget};
pub use audit::{AuditTrail, AuditWriter};
pub use openapi::openapi_document;
pub use pages::{
    ComparedRow, HealthReader, LiveReader, OpsPages, OpsSettings, RowCheck, SchemaCheck,
};
pub use refusals::summarize;
pub use refused_tokens::TokenRefusals;
pub use router::router;
pub use tokens::ApiTokens;
pub use uploads::Uploads;
