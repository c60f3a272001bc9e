//! Pages for people.
//!
//! `layout` is the frame of every page with its Content Security Policy, `icon` its icons; `player` shows the sound and the words
//! of a call, `lanes` who spoke when; `play` is the page of a recording's link, and `visitor` says who gets it.

mod icon;
mod lanes;
mod nonce;

mod layout;
mod player;

mod play;
mod visitor;

pub(super) use play::{Played, play};
pub(super) use visitor::{VARY, wants_page};
