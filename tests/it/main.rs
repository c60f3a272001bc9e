//! The complete service, on sockets, against the stand-ins and (in `real`) against real servers.

#![expect(clippy::disallowed_methods, reason = "a test's tasks end with it")]
#![expect(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it is made of"
)]

mod alerts;
mod audit;
mod bootstrap;
mod bounds;
mod budget;
mod cli;
mod clocks;
mod columns;
mod commands;
mod connections;
mod crowds;
mod disclosure;
mod disk;
mod doctor;
mod ends;
mod failing_disk;
mod figures;
mod harness;
mod inbox;
mod init;
mod installation;
mod large_bodies;
mod leak_check;
mod links;
mod lists;
mod long_outages;
mod main_job;
mod memory;
mod migrations;
mod mirror;
mod names;
mod openapi;
mod ops;
mod pages;
mod panics;
mod permanent_links;
mod permission_errors;
mod play;
mod process;
mod projects;
mod reader;
mod real;
mod reconcile;
mod recorders;
mod recordings;
mod reports;
mod retention;
mod rows;
mod scopes;
mod secrets;
mod shared_keys;
mod signed_webhooks;
mod slow_connections;
mod sqlite;
mod storms;
mod tcp_gate;
mod transcripts;
mod unauthorized;
mod unknown_values;
mod uploads;
mod webhooks;
mod words_in_time;
mod write_ahead_log;
