//! `init`: asks for what is needed, checks each answer at once, writes `.env`, and runs `bootstrap`.
//!
//! `question` are the questions with where to find the answers, `args` the same as flags; `terminal` asks, `trial` tries an
//! answer, `env_file` writes; `run` does it all.

mod args;
mod env_file;
mod question;
mod terminal;
mod trial;

mod run;

pub(super) use args::InitArgs;
pub(super) use run::run;
