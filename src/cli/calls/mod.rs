//! `calls list|show|link|unlink`: what `/v1/calls` answers, read from the database; works without a running service, too.

mod link;
mod list;
mod show;
mod subcommands;
mod unlink;

pub(super) use subcommands::{Calls, run};
