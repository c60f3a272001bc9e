//! How commands talk: tables, JSON and progress bars, stdout and stderr, time arguments, signals.

pub(super) mod choices;
pub(super) mod output;
pub(super) mod progress;
pub(super) mod sender;
pub(super) mod signal;
pub(super) mod table;
pub(super) mod time_args;
