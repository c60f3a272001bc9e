//! `calls list|show|link`: what `/v1/calls` answers, read from the database; works without a running service, too.

mod link;
mod list;
mod show;
mod subcommands;

pub(super) use subcommands::{Calls, run};
