//! Pages for people.
//!
//! `layout` is the frame of every page with its Content Security Policy, `icon` its icons; `player` shows the sound and the words
//! of a call, `lanes` who spoke when; `play` is the page of a recording's link, and `visitor` says who gets it. `ops` has the pages for
//! those who run the service.

mod icon;
mod lanes;
mod nonce;

mod layout;
mod player;

mod play;
mod visitor;

mod ops;

pub(super) use ops::routes as ops_routes;
pub use ops::{
    ComparedRow, HealthReader, LiveReader, OpsPages, OpsSettings, RowCheck, SchemaCheck,
};
pub(super) use play::{Played, play};
pub(super) use visitor::{VARY, wants_page};
