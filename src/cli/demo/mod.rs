//! `demo`: the service at work, with stand-ins on real sockets in this process and the same code as `serve`.

mod actors;
mod world;

mod story;
mod table;

mod run;

pub(super) use run::{DemoArgs, run};
