//! `init`: asks for what is needed, checks each answer at once, writes `.env`, and runs `bootstrap`.
//!
//! `question` are the questions with where to find the answers, `args` the same as flags; `terminal` asks, and `line` is what
//! is typed; `trial` tries answers and says which are wrong, `answers` asks for those again, `env_file` writes; `run` does it all.

mod args;
mod env_file;
mod line;
mod question;

mod terminal;
mod trial;

mod answers;

mod run;

pub(super) use args::InitArgs;
pub(super) use run::run;
